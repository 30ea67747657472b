# La factura en PDF, y las gráficas que comparten las páginas y el PDF.

document-gaps =
    { $days ->
        [one] Rayado: { $days } día sin lectura de cierre
       *[other] Rayado: { $days } días sin lectura de cierre
    }
document-reckoned =
    { $days ->
        [one] Hueco: { $days } día cuyo registro no se leyó, sino que se calculó
       *[other] Huecos: { $days } días cuyos registros no se leyeron, sino que se calcularon
    }
document-chart-daily = Consumo diario
document-chart-highest = El mayor: { $quantity } el { $date }
document-chart-periods = Periodos

document-number = Factura { $number }
document-issued = Emitida el { $when }
document-electric = Electricidad
document-water = Agua
document-thermal = Energía térmica
document-serial-number = medidor n.º { $number }
document-days =
    { $days ->
        [one] { $days } día
       *[other] { $days } días
    }
document-total = Total
document-consumption = Consumo
document-less-than-before = { $percent } menos que el periodo anterior
document-more-than-before = { $percent } más que el periodo anterior
document-same-as-before = igual que el periodo anterior
document-calculation = Cómo se calculó
document-closing = Lectura actual
document-switch = Lectura al cambiar el precio
document-opening = Lectura anterior
document-difference = actual − anterior
document-minimum = Mínimo facturable
document-minimum-applies = se aplica
document-minimum-not = no se aplica
document-minimum-line = Hasta el mínimo
document-notice = Comprobante informativo, no fiscal. No lo emite la compañía que presta el servicio.
document-compare = Compare la lectura actual con la pantalla de su medidor.
document-contact = Preguntas: { $contact }
document-code = El código abre una página pública sin nombres que vuelve a calcular esta factura y dice si algo cambió desde que el gateway leyó el medidor. No puede decir si el medidor mide bien.
document-day = Día
document-day-register = Registro al empezar
document-day-read = Leído
document-day-used = Consumo
document-day-reckoned = calculado, no leído
document-day-unknown = sin lectura de cierre
document-day-end = fin del periodo
document-days-note = Los registros de los días son detalle: la factura se apoya en los de ambos extremos.
document-ids = Medidor { $meter } · factura { $invoice } · horas de { $zone }
document-simulated = Simulado: un programa inventó estas lecturas. No hay nada que pagar.
document-simulated-mark = SIMULADO

document-lost-among =
    { $n ->
        [one] Entre el { $from } y el { $until } el gateway perdió { $count } lectura, y era de este medidor: { $why }.
       *[other] Entre el { $from } y el { $until } el gateway perdió { $count } lecturas, entre ellas de este medidor: { $why }.
    }
document-lost-maybe =
    { $n ->
        [one] Entre el { $from } y el { $until } el gateway perdió { $count } lectura, que puede ser de este medidor: { $why }.
       *[other] Entre el { $from } y el { $until } el gateway perdió { $count } lecturas, y puede haber de este medidor: { $why }.
    }
document-lost-undated =
    { $n ->
        [one] El gateway perdió { $count } lectura, no se sabe de cuándo; puede ser de este medidor: { $why }.
       *[other] El gateway perdió { $count } lecturas, no se sabe de cuándo; puede haber de este medidor: { $why }.
    }
document-lost-size = su memoria estaba llena
document-lost-damage = su disco se dañó
document-lost-expired = eran demasiado viejas para enviarse otra vez
document-lost-other = hay varias causas
document-lost = Lecturas perdidas
document-lost-count =
    { $n ->
        [one] Se perdió { $count } lectura de este periodo.
       *[other] Se perdieron { $count } lecturas de este periodo.
    }
document-lost-effect = El importe sale de las lecturas de ambos extremos, y no cambia por eso.
document-link = sello { $link }
document-dated = fechada después
document-dated-why = Fechada después: el reloj del gateway aún no estaba en hora, y la hora se calculó luego por el tiempo transcurrido.

document-credit-number = Nota de crédito { $number }
document-credit-of = Nota de crédito de la factura { $number }: { $reason }
document-in-place-of = En lugar de la factura { $number }: { $reason }
document-taken-back = Anulada por la nota de crédito { $number }.
document-replaced = En su lugar está la factura { $number }.

document-switches = Lecturas intermedias
document-switches-how = { $n ->
    [one] una, al cambiar el precio
   *[other] { $n }, al cambiar el precio
}
document-exchange-opening = Lectura del equipo nuevo
document-exchange-closing = Lectura del equipo anterior
document-interpolated = entre dos lecturas, ± { $bound }
document-estimated = estimada
document-noted = leída en la pantalla
document-difference-each = las diferencias de cada equipo
document-difference-times = (final − inicial) × { $times }
document-rolled-over = el contador volvió a empezar en { $at }
document-demand = Potencia máxima
document-common-area = Parte de las áreas comunes
document-minimum-amount = Hasta el importe mínimo
document-detail = las horas y potencias del periodo no van selladas
document-tax-of = { $rate } de { $base }
document-share = { $days } de { $of } días
document-trust-actual = ambas reales
document-trust-dated = reales, fechadas después
document-trust-simulated = simuladas
document-trust-estimated = estimadas: la próxima factura lo corrige
document-trust-interpolated = una está entre dos lecturas
