# Condiciones de facturación en un sitio, en un plan y en un medidor; el cambio de equipo.

terms-title = Condiciones de facturación
terms-lead-site = Lo que se dice aquí cuenta para todo medidor del edificio que no diga otra cosa por sí mismo.
terms-lead-plan = Lo que se dice aquí cuenta para todo medidor que siga este plan y no diga otra cosa por sí mismo.
terms-lead-meter = Lo que no se dice aquí viene del plan del medidor y, si no, de su sitio.
terms-more = Más condiciones
terms-site = Condiciones del edificio
terms-plans = Planes
terms-plans-lead = Un plan es un conjunto de condiciones con nombre. Se cambia una vez y cambia para todo medidor que lo siga.
terms-plans-empty = Aún no hay planes. Un medidor no necesita ninguno: sus condiciones pueden estar en el medidor o en su sitio.
terms-plan = Plan
terms-plan-new = Nuevo plan
terms-plan-add = Agregar y decir sus condiciones
terms-plan-name = Nombre
terms-plan-name-help = Por ejemplo, «Locales, baja tensión». Lo ve su gente; no está en las facturas.
terms-plan-rename = Cambiar nombre
terms-plan-help = Sus condiciones cuentan donde este nivel no dice nada.
terms-no-plan = No se sigue ningún plan.
terms-followers = Medidores que lo siguen
terms-followers-none = Aún no lo sigue ningún medidor. Elíjalo en las condiciones de un medidor o de un sitio.
terms-versions = Versiones
terms-versions-none = Aún no se dice nada aquí.
terms-version-new = Nueva versión
terms-version-change = Cambiar esta versión
terms-from = Desde
terms-from-help = El primer día en que cuenta. Un precio nuevo divide ahí el periodo; un cierre o zona nuevos cuentan desde el periodo siguiente.
terms-begins = Un periodo empieza este día
terms-begins-help = El anterior termina antes, con una factura corta.
terms-says = Dice
terms-says-nothing = Nada propio
terms-do = Acciones
terms-change = Cambiar
terms-remove = Quitar
terms-remove-title = Quitar esta versión
terms-remove-lead = La versión desde el { $from } se quita para siempre; sigue contando lo dicho antes. { $n ->
    [one] Afecta a un medidor.
   *[other] Afecta a { $n } medidores.
}
terms-state-now = Cuenta ahora
terms-state-coming = Por venir
terms-state-past = Pasada
terms-billed = Facturada: { $meter } tiene facturas hasta el { $until }. No se puede cambiar; haga una versión nueva.
terms-held = Lo que cuenta hoy
terms-held-none = Aún no se dice nada aquí.
terms-term = Condición
terms-value = Valor
terms-origin = De dónde
terms-from-default = por omisión
terms-from-here = puesto aquí
terms-from-site = del sitio { $site }
terms-from-plan = del plan { $plan }
terms-open = No se dice nada aquí.
terms-open-or = No se dice nada aquí. Si nadie lo dice: { $value }.
terms-set = Poner aquí
terms-shut = Quitar
terms-else = Sin esto:
terms-save = Guardar
terms-try = Revisar y comparar
terms-trial = Lo que cambia
terms-trial-lead = { $n ->
    [0] Aún no afecta a ningún medidor.
    [one] Afecta a un medidor.
   *[other] Afecta a { $n } medidores, de los que se muestran los primeros.
}
terms-trial-bill = Última factura, { $dates }, calculada de nuevo
terms-trial-running = Periodo en curso, { $dates }, hasta ahora
terms-trial-nothing = Aún no hay lecturas
terms-trial-unknown = no se sabe
terms-trial-old = Con las condiciones actuales
terms-trial-new = Con las nuevas
terms-trial-empty = Aún no afecta a ningún medidor.
terms-unit = unidad
terms-tariff = Precio
terms-cycle = Periodos
terms-currency = Moneda
terms-minimum = Mínimo
terms-fees = Cargos
terms-taxes = Impuestos y recargos
terms-send-hour = Hora de envío
terms-missing = Si falta una lectura
terms-zone = Zona horaria
terms-checks = Cuándo se avisa de una factura
terms-rate-flat = Un precio
terms-rate-tiers = Escalones
terms-rate-hours = Por horario
terms-rate-pass = Lo que cobró la compañía
terms-pass-help = El precio es la factura de la compañía dividida entre lo que midió el medidor principal.
terms-price = Precio
terms-per = El precio es por
terms-per-help = 1 para un precio por unidad; 1000 para un precio por millar.
terms-demand = Potencia máxima
terms-demand-price = Precio por kW
terms-demand-minutes = Promedio de
terms-demand-help = Deje el precio vacío para no cobrarla.
terms-tiers-help = Cada escalón termina en una cantidad de un periodo completo; el último no tiene fin. Las filas vacías no cuentan.
terms-tier-up-to = Hasta
terms-tier-add = Agregar escalón
terms-tiers-prorated = Los límites se reducen en un periodo más corto
terms-bands = Precios por horario
terms-band = Precio
terms-band-name = Nombre
terms-band-add = Agregar precio
terms-season = Temporada
terms-season-day = Empieza el día
terms-season-month = de
terms-season-add = Agregar temporada
terms-workday = De lunes a viernes
terms-sundays = Domingos y festivos
terms-switch-at = Desde
terms-switch-band = Precio
terms-switch-add = Agregar hora
terms-midnight = Medianoche
terms-holidays = Festivos
terms-holidays-help = Fechas como 2026-12-25, separadas por espacios. Cuentan como domingos.
terms-cycle-month = Por mes
terms-cycle-week = Por semana
terms-cutoff-weekday = Último día del periodo
terms-months = { $n ->
    [one] mes
   *[other] { $n } meses
}
terms-every = Cada
terms-ends-in = Uno termina en
terms-ends-in-help = El mes solo importa en periodos de varios meses.
terms-minimum-quantity = Como cantidad
terms-minimum-amount = Como dinero
terms-minimum-amount-help = Lo que falte para llegar es una línea aparte. 0 para ninguno.
terms-minimum-prorated = Ambos se reducen en un periodo más corto
terms-fee-name = Concepto
terms-fee-amount = Importe por periodo
terms-fee-prorated = Por días
terms-fee-add = Agregar cargo
terms-taxes-help = Cada uno es una parte de las líneas anteriores, en este orden.
terms-tax-name = Nombre
terms-tax-percent = Porcentaje
terms-tax-exempt = No de estos cargos (separados por ;)
terms-tax-compound = También de los impuestos anteriores
terms-tax-add = Agregar impuesto
terms-grace = Días de espera por datos tardíos
terms-grace-help = De 0 a 60, después de la hora de envío.
terms-estimate = Después, estimar
terms-estimate-help = Se marca en la factura y se compensa con la siguiente lectura. Si no, la factura se retiene hasta que alguien decida.
terms-checks-help = Una factura con aviso sale igual, salvo que alguien la retenga. 0 apaga un aviso.
terms-low = Bajo: menos de esta parte de antes
terms-high = Alto: más de esta parte de antes
terms-zero = Días sin consumo
terms-stuck = Días sin moverse
terms-missing-days = Días sin lectura de cierre
terms-estimated = Periodos estimados seguidos
terms-spike = Pico: más de esta parte del tercero más alto
terms-sum = Días contra registros
terms-cut = Quitar
terms-say-none = ninguno
terms-say-weekly = Semanal, último día { $day }
terms-say-last-day = el último día del mes
terms-say-day = el día { $day }
terms-say-monthly = Mensual, último día: { $day }
terms-say-months = { $n ->
    [one] Mensual
   *[other] Cada { $n } meses
}, último día: { $day }, uno en { $month }
terms-say-tier = hasta { $up_to } { $price }
terms-say-tier-last = después { $price }
terms-say-demand = potencia máxima { $price }/kW
terms-say-prorated = por días
terms-say-hour = { $hour }, el día después del cierre
terms-say-hold = { $n ->
    [0] Retenida hasta que alguien decida
    [one] Espera un día; luego, retenida
   *[other] Espera { $n } días; luego, retenida
}
terms-say-estimate = { $n ->
    [0] Estimada
    [one] Espera un día; luego, estimada
   *[other] Espera { $n } días; luego, estimada
}
terms-say-checks-default = lo habitual
terms-say-checks = menos del { $low } % o más del { $high } % de antes, { $zero } días sin consumo, { $stuck } días sin moverse
terms-month-1 = enero
terms-month-2 = febrero
terms-month-3 = marzo
terms-month-4 = abril
terms-month-5 = mayo
terms-month-6 = junio
terms-month-7 = julio
terms-month-8 = agosto
terms-month-9 = septiembre
terms-month-10 = octubre
terms-month-11 = noviembre
terms-month-12 = diciembre
terms-monday = lunes
terms-tuesday = martes
terms-wednesday = miércoles
terms-thursday = jueves
terms-friday = viernes
terms-saturday = sábado
terms-sunday = domingo
terms-error-between = { $typed } está fuera de los límites: elija de { $least } a { $most }.
terms-error-decimals = Tiene más de 6 decimales: escriba 6 como máximo.
terms-error-per = Un precio por cero unidades no existe: escriba 1 para un precio por unidad.
terms-error-tier-open = Solo el último escalón no tiene fin: escriba dónde termina este.
terms-error-tier-last = El último escalón no debe terminar: agregue otro después o deje esto vacío.
terms-error-tier-order = Cada escalón termina más arriba que el anterior.
terms-error-twice = Ya hay uno con ese nombre: elija otro.
terms-error-season-order = Las temporadas van en el orden de su primer día.
terms-error-season-day = No todos los años tienen ese día: elija otro.
terms-error-switch-order = Las horas de un día van en orden: esta no es posterior a la anterior.
terms-error-holidays = Hay más de { $most } festivos: deje fuera los pasados.
terms-error-billed = { $meter } está facturado hasta el { $until }: elija ese día o uno posterior.
terms-error-taken = Ya hay una versión desde ese día: cambie esa o elija otro día.
terms-error-plan = Esto no puede ser: { $why }.
terms-error-open = { $meter } quedaría sin esta condición desde el { $date }: { $term }. Dígala aquí, en su plan o en su sitio.
terms-error-remove-billed = Hay facturas que se basan en esta versión, así que se queda. Haga una versión nueva.
terms-error-remove-last = Es la única versión del medidor, y sin ella no se factura. Cámbiela.
terms-error-plans = Ya hay { $most } planes: cambie el nombre de uno que no se use.
