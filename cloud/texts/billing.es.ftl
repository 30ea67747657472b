# What the rules of billing say: findings, and what stands between a period and its bill.

billing-finding-set-apart = { $n ->
    [one] Una lectura entre { $from } y { $until } no puede ser cierta y no decide nada.
   *[other] { $n } lecturas entre { $from } y { $until } no pueden ser ciertas y no deciden nada.
}
billing-finding-missing = { $n ->
    [one] El { $first } no tiene lectura de cierre.
   *[other] { $n } días no tienen lectura de cierre, entre el { $first } y el { $last }.
}
billing-finding-duplicate = { $n ->
    [one] Hay más de una lectura de { $when }; coinciden.
   *[other] { $n } instantes tienen más de una lectura, el primero { $when }; coinciden.
}
billing-finding-duplicate-differ = { $n ->
    [one] Hay más de una lectura de { $when }, y no coinciden.
   *[other] { $n } instantes tienen más de una lectura, el primero { $when }, y algunas no coinciden.
}
billing-finding-negative = Se contó menos que nada en { $dates }: { $quantity }.
billing-finding-spike = Entre { $from } y { $until } pasaron { $highest }; el tercer valor más alto fue { $third }.
billing-finding-high = El consumo por día es el { $percent } del de { $dates } ({ $usual } en { $n ->
    [one] un día
   *[other] { $n } días
}): inusualmente alto.
billing-finding-low = El consumo por día es el { $percent } del de { $dates } ({ $usual } en { $n ->
    [one] un día
   *[other] { $n } días
}): inusualmente bajo.
billing-finding-zero = { $n ->
    [one] El { $first } no hubo consumo.
   *[other] No hubo consumo en { $n } días, del { $first } al { $last }.
}
billing-finding-stuck = { $n ->
    [one] El registro está en { $register } desde el { $from }, hace un día, pero antes cambiaba todos los días: ¿interruptor abierto o contador trabado?
   *[other] El registro está en { $register } desde el { $from }, hace { $n } días, pero antes cambiaba todos los días: ¿interruptor abierto o contador trabado?
}
billing-finding-sum = Las partes del periodo suman { $parts }; sus registros, { $registers }.
billing-finding-unit = La unidad cambió de { $before } a { $after } el { $date }.
billing-finding-multiplier = El multiplicador cambió de { $before } a { $after } el { $date }.
billing-finding-long-estimated = { $n ->
    [one] Un periodo termina con una estimación, desde el { $since }: hay que leer el medidor.
   *[other] { $n } periodos seguidos terminan con una estimación, desde el { $since }: hay que leer el medidor.
}

billing-cause-no-terms = Sus condiciones de facturación no están completas, así que no tiene periodo.
billing-cause-silent = El medidor no registra nada desde { $when }: si sigue así, no habrá lectura al final.
billing-cause-utility-bill = El plan traslada el precio de la compañía, y su recibo aún no está.
billing-cause-site = { $n ->
    [one] El edificio se reparte, y uno de sus medidores no tiene lectura.
   *[other] El edificio se reparte, y { $n } de sus medidores no tienen lectura.
}
billing-cause-unreachable = Nadie tiene un canal verificado: la factura se hará, pero no le llega a nadie.
