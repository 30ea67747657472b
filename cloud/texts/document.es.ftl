# La factura en PDF, y las gráficas que comparten las páginas y el PDF.

document-gaps =
    { $days ->
        [one] Rayado: { $days } día sin lectura de cierre
       *[other] Rayado: { $days } días sin lectura de cierre
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
document-ids = Medidor { $meter } · factura { $invoice } · horas de { $zone }
document-simulated = Simulado: un programa inventó estas lecturas. No hay nada que pagar.
document-simulated-mark = SIMULADO
