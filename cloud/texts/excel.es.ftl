# El libro de Excel. Los nombres de las hojas tienen 31 caracteres como máximo.

excel-title = Consumo y facturas
excel-sheet-invoices = Facturas
excel-sheet-daily = Lecturas diarias
excel-sheet-about = Acerca de

excel-number = Factura
excel-site = Sitio
excel-meter = Medidor
excel-medium = Servicio
excel-from = Desde
excel-to = Hasta (incluido)
excel-opening = Lectura anterior
excel-closing = Lectura actual
excel-consumption = Consumo
excel-minimum = Mínimo
excel-billed = Facturado
excel-unit = Unidad
excel-price = Precio por unidad
excel-total = Total
excel-currency = Moneda
excel-issued = Emitida (hora local)
excel-zone = Zona horaria
excel-note = Nota
excel-days = Días

excel-date = Fecha
excel-register = Lectura al inicio del día
excel-use = Consumo del día
excel-read-local = Leído (hora local)
excel-read-utc = Leído (UTC)

excel-electric = Electricidad
excel-water = Agua
excel-thermal = Energía térmica

excel-simulated = Simulado
excel-no-reading = Sin lectura de cierre
excel-register-fell = La lectura bajó: no se cuenta consumo

excel-about-what = Qué
excel-about-says = Significado
excel-about-issuer = Emitido por
excel-about-generated = Generado
excel-about-to = El último día del periodo. Forma parte del periodo.
excel-about-consumption = La lectura actual menos la anterior.
excel-about-billed = El consumo, o el mínimo si este es mayor.
excel-about-register = Lo que mostraba el medidor al empezar el día en su zona horaria.
excel-about-use = La lectura del día siguiente menos la de este día. Vacío hasta que existan las dos.
excel-about-no-reading = No hubo una lectura lo bastante cercana al inicio de ese día. No es cero; el consumo está en la diferencia entre las lecturas anterior y posterior.
excel-about-numbers = Números y fechas
excel-about-numbers-are = Son números y fechas de verdad: se pueden sumar y ordenar. Excel conserva 15 cifras significativas.
excel-opening-link = Sello inicial
excel-closing-link = Sello final
excel-lost = Lecturas perdidas
excel-dated = Fechada después
excel-about-link = El lugar de la lectura en la cadena de sellos del medidor; vacío si no está sellada.
excel-about-lost = Lecturas de todos los equipos del gateway que se perdieron en el periodo, entre ellas de este medidor hasta donde se sabe. El importe sale de las lecturas de ambos extremos.
