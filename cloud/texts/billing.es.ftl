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

billing-cause-held = Alguien la retiene: { $reason }
billing-cause-no-terms = Sus condiciones de facturación no están completas, así que no tiene periodo.
billing-cause-silent = El medidor no registra nada desde { $when }: si sigue así, no habrá lectura al final.
billing-cause-unreachable = Nadie tiene un canal verificado: la factura se hará, pero no le llega a nadie.

billing-findings = Vale la pena mirar
billing-findings-effect = Nada de esto cambia el importe.

billing-nav = Cierres
billing-lead = Las facturas que vienen, y qué las detiene, antes del cierre de sus periodos.
billing-cut = Se muestran los primeros { $shown } de { $all } medidores.
billing-empty = No viene ninguna factura: registre un medidor y dele condiciones.
billing-empty-person = Nada lo necesita a usted.
billing-show-all = Mostrar todas
billing-show-person = { $n ->
    [one] Lo que lo necesita: una factura
   *[other] Lo que lo necesita: { $n } facturas
}
billing-run = Sale { $when } ({ $zone })
billing-run-waiting = Terminadas, o sin fecha: aún sin emitir
billing-run-meters = { $n ->
    [one] Una factura
   *[other] { $n } facturas
}
billing-run-so-far = { $total } hasta ahora
billing-column-readings = Días leídos
billing-column-so-far = Hasta ahora
billing-column-recipients = Le llega a
billing-column-do = Por hacer
billing-days-read = { $read } de { $days }
billing-nobody = Nadie
billing-ready = Lista
billing-will-wait = Esperará
billing-will-estimate = Se estimará
billing-blocked = Bloqueada
billing-preview = Borrador
billing-fix-terms = Fijar sus condiciones
billing-fix-recipients = Elegir a quién le llega
billing-fix-meter = Ver el medidor
billing-hold = Retener
billing-resume = Liberar
billing-hold-run = Retener estas facturas
billing-resume-run = Liberar estas facturas
billing-hold-meter-title = Retener las facturas de { $what }
billing-hold-meter-lead = No se emite ninguna factura de este medidor hasta que la libere. Lo emitido queda, y las lecturas siguen.
billing-hold-run-title = Retener las facturas del { $what }
billing-hold-run-lead = { $n ->
    [one] No se emite ninguna factura de su único medidor hasta que la libere.
   *[other] No se emite ninguna factura de sus { $n } medidores hasta que las libere.
}
billing-resume-meter-title = Liberar las facturas de { $what }
billing-resume-meter-lead = Las de periodos ya terminados se emiten en menos de un minuto, si nada más las detiene.
billing-resume-run-title = Liberar las facturas del { $what }
billing-resume-run-lead = { $n ->
    [one] Su único medidor se factura como dice su plan, aunque se haya retenido por separado.
   *[other] Sus { $n } medidores se facturan como dicen sus planes, también los retenidos por separado.
}
billing-hold-reason = Por qué
billing-hold-reason-help = Aparece en este tablero. Quien recibe la factura solo lee que se está revisando.
billing-done-held = Retenida.
billing-done-resumed = Liberada.
billing-draft = Borrador: no es una factura
billing-draft-lead = Lo que diría la factura ahora. Nada se guarda y nada se envía.
billing-draft-help = Hasta la lectura más reciente. Los mínimos se calculan cuando termina el periodo.
billing-no-period = Sin periodo
billing-sends = Sale { $when } ({ $zone })
billing-newest-reading = Lectura más reciente
billing-total-so-far = Hasta ahora

billing-correct-button = Corregir…
billing-correct-title = Corregir la factura { $number }
billing-correct-same = Según lo que se sabe ahora, la factura sería la misma: { $now }.
billing-correct-other = Dice { $now }. Según lo que se sabe ahora, la factura sería { $new }: una diferencia de { $difference }.
billing-correct-held = Dice { $now }. Por ahora no se puede hacer otra factura: { $why }
billing-correct-lead = Una factura emitida nunca se cambia. Se anula con una nota de crédito que tiene número propio y en su lugar se emite otra factura; ambas se envían. Las lecturas con que terminan y empiezan las facturas vecinas se mantienen: para cambiar una de ellas, anule primero la factura posterior.
billing-correct-reason = Por qué se corrige
billing-correct-reason-help = Aparece en ambos documentos, con sus palabras.
billing-correct-cancel = Solo anularla
billing-correct-cancel-help = No se emite otra factura en su lugar y el periodo no se vuelve a facturar.
billing-correct-submit = Anular
billing-correct-done = Corregida. Los documentos van en camino.
