# La factura en PDF, y las gráficas que comparten las páginas y el PDF.

document-gaps =
    { $days ->
        [one] Rayado: { $days } día sin lectura de cierre
       *[other] Rayado: { $days } días sin lectura de cierre
    }
document-chart-daily = Consumo diario
document-chart-highest = El mayor: { $quantity } el { $date }
document-chart-periods = Periodos
