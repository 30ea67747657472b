# Medidor principal, recibos de la compañía, lo que sobra en un edificio; ajustes de la factura de un medidor.

site-hold-utility-bill = Falta el recibo de la compañía de { $dates }: el precio es el que cobra.
site-hold-incomplete = { $n ->
    [one] Lo que sobra en el edificio se reparte, y de uno de sus medidores no se sabe cuánto contó en este periodo.
   *[other] Lo que sobra en el edificio se reparte, y de { $n } de sus medidores no se sabe cuánto contaron en este periodo.
}
site-hold-no-shares = Lo que sobra en el edificio se reparte por peso, y ningún medidor tiene peso.
site-hold-other-days = Lo que sobra en el edificio se reparte por el recibo de la compañía de { $dates }, que cubre otros días que este periodo.
site-hold-residual = El edificio entero consumió { $whole } y sus medidores contaron { $parts }: difieren más de lo que el edificio permite. Alguien lo revisa antes.
site-finding-residual = El edificio entero consumió { $whole }, y sus medidores contaron { $parts }.
