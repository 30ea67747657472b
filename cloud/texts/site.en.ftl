# Main meter, utility bills, what is left over at a site; adjustments of a meter's bill.

site-hold-utility-bill = The utility bill of { $dates } is missing: the price is what it charges.
site-hold-incomplete = { $n ->
    [one] What is left over at the site is shared, and of one of its meters it is not known what it counted in this period.
   *[other] What is left over at the site is shared, and of { $n } of its meters it is not known what they counted in this period.
}
site-hold-no-shares = What is left over at the site is shared by weight, and no meter has a weight.
site-hold-other-days = What is left over at the site is shared by the utility bill of { $dates }, which covers other days than this period.
site-hold-residual = The whole site used { $whole } and its meters counted { $parts }: they differ by more than the site allows. Somebody looks at it first.
site-finding-residual = The whole site used { $whole }, and its meters counted { $parts }.
