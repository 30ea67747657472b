# Por qué una factura difiere de otra, en partes que suman.

explain-title = Por qué este importe
explain-first = No hay factura anterior con la que compararla.
explain-against-last = Frente a la última factura, { $dates }
explain-against-year = Frente a hace un año, { $dates }
explain-apart-unit = Aquella factura está en otra unidad: no se pueden comparar.
explain-apart-currency = Aquella factura está en otra moneda: no se pueden comparar.
explain-apart-digits = Un importe tiene demasiadas cifras para compararlo con exactitud.

explain-use-more = Consumió { $percent } más
explain-use-less = Consumió { $percent } menos
explain-use-same = Consumió lo mismo
explain-use-other = Consumió { $now }
explain-use-how = { $now } en vez de { $before }
explain-days = { $n ->
    [one] en un día en vez de { $before }
   *[other] en { $n } días en vez de { $before }
}
explain-price-rose = El precio subió
explain-price-fell = El precio bajó
explain-price-on = { $now } en vez de { $before }, desde el { $date }
explain-price-to = { $now } en vez de { $before }
explain-price-since = Otros precios desde el { $date }
explain-price-other = Otros precios
explain-price-utility = El precio de la compañía, que se traslada
explain-use-and-price = Consumo y precios juntos
explain-use-and-price-how = Los precios cambiaron de horario, y el medidor no se leyó en las horas de la otra factura.
explain-minimum-more = El mínimo añadió más
explain-minimum-less = El mínimo añadió menos
explain-fees = Cargos
explain-adjustments = Añadido o descontado una vez
explain-taxes = Impuestos
explain-more = En total paga más
explain-less = En total paga menos
explain-same = En total paga lo mismo
explain-instead = { $now } en vez de { $before }

explain-display-question = ¿Su pantalla marca esto?
explain-display-read = Leído el { $when }
explain-display-help = Mire el propio medidor. Puede haber contado un poco más desde entonces.
explain-display-yes = Sí
explain-display-no = No, marca…
explain-display-answered = Usted miró el { $when }: marcaba { $shown }.
explain-display-lead = El registro era { $register } el { $when }. ¿Qué marca ahora la pantalla del medidor?
explain-display-nothing = Aún no se leyó ningún dispositivo de este medidor: no hay con qué comparar su pantalla.
explain-display-shown = La pantalla marca
explain-display-shown-help = Todas sus cifras, también las decimales. Se guarda junto a la lectura, y por sí solo no cambia ninguna factura.
explain-display-submit = Guardarlo
explain-display-no-register = Ninguna pantalla marca eso: escriba sus cifras tal como están, con un solo signo decimal.
explain-display-many = Hoy ya se miró muchas veces este medidor: inténtelo mañana, o pregunte a quien le factura.
explain-display-done-agrees = Gracias. Quedó guardado: la pantalla y las lecturas coinciden.
explain-display-done-differs = Gracias. Quedó guardado: la pantalla marca otra cosa que lo registrado, y quien factura el medidor lo ve.
explain-display-checks = Lo que se leyó en la pantalla
explain-display-column-who = Se miró
explain-display-column-shown = Pantalla
explain-display-column-register = Registro
explain-display-agrees = Coincide
explain-display-differs = Difiere
explain-display-cause = El { $when } alguien leyó { $shown } en la pantalla, pero el registro era { $register }: mírelo, y diga en la página del medidor qué marca.
