# El portal.

## Alrededor de cada página

portal-skip = Ir al contenido
portal-nav = Menú principal
portal-other-language = English
portal-sign-out = Salir
portal-to-start = Ir al inicio
portal-cancel = Cancelar
portal-save = Guardar
portal-edit = Editar
portal-continue = Continuar
portal-yes = Sí
portal-no = No
portal-all = Todos
portal-state = Estado
portal-older = Anteriores
portal-nav-accounts = Cuentas
portal-nav-home = Inicio
portal-nav-sites = Edificios
portal-nav-gateways = Gateways
portal-nav-meters = Medidores
portal-nav-my-meters = Mis medidores
portal-nav-invoices = Facturas
portal-nav-people = Personas
portal-nav-notices = Avisos
portal-ago-now = ahora mismo
portal-ago-minutes = hace { $n } min
portal-ago-hours = hace { $n } h
portal-ago-days =
    { $n ->
        [one] hace { $n } día
       *[other] hace { $n } días
    }
portal-done-saved = Guardado.
portal-done-site = El edificio ya está. Agregue ahora el gateway que lee sus medidores.
portal-done-meter = El medidor está registrado. Su gateway lo recoge en menos de un minuto.
portal-done-removed = Se quitó.
portal-done-password = Su contraseña cambió. En los demás dispositivos hay que entrar de nuevo.
portal-done-unlinked = El chat de Telegram ya no está vinculado.
portal-done-welcome = ¡Bienvenido! Su contraseña quedó guardada.

## Cuando algo está mal

portal-absent-heading = Esta página no existe
portal-absent-explanation = Se movió, nunca existió o es de otra persona. Revise la dirección o empiece por el inicio.
portal-forbidden-heading = Esta petición no vino de nuestra propia página
portal-forbidden-explanation = Por su seguridad no se cambió nada. Abra el portal y hágalo ahí de nuevo.
portal-fault-heading = Algo falló de nuestro lado
portal-fault-explanation = No se guardó nada de lo que envió. Inténtelo otra vez; si se repite, dé el número { $id } a quien opera esta plataforma.
portal-fault-unknown = No se guardó nada de lo que envió. Inténtelo otra vez en un minuto.
portal-odd-heading = No se entiende esta petición
portal-odd-explanation = Regrese e inténtelo otra vez. Si llegó por un enlace, puede que esté incompleto.
portal-form-wrong =
    { $n ->
        [one] Aún no se guardó nada: corrija el campo marcado abajo.
       *[other] Aún no se guardó nada: corrija los { $n } campos marcados abajo.
    }
portal-error-empty = Aquí falta algo: escríbalo, por favor.
portal-error-too-long = Es demasiado largo: use { $most } caracteres como máximo.
portal-error-control = Hay un salto de línea o un carácter invisible: escríbalo de nuevo sin él.
portal-error-email = «{ $typed }» no es un correo electrónico. Escriba uno como ana@example.com.
portal-error-number = «{ $typed }» no es un número. Escríbalo con cifras, por ejemplo 3.50.
portal-error-two-readings = «{ $typed }» se puede leer de dos maneras. Escriba { $whole } o { $broken }.
portal-error-whole = «{ $typed }» no es un número entero. Escriba solo cifras.
portal-error-date = «{ $typed }» no es una fecha. Elija una o escríbala así: 2026-11-30.
portal-error-zone = No existe la zona horaria «{ $typed }». Elija una de la lista o escriba un nombre IANA como America/Tijuana.
portal-error-locale = «{ $typed }» no es un idioma de este portal. Elija uno de la lista.
portal-error-currency = Aquí no existe la moneda «{ $typed }». Elija una de la lista.
portal-error-choice = «{ $typed }» no es una de las opciones. Elija una de la lista.
portal-error-password = La contraseña tiene { $found } caracteres: use de { $least } a { $most }.
portal-error-current-password = Esta no es su contraseña actual.
portal-error-member = Esta persona ya está en su cuenta: búsquela en la lista de personas.
portal-error-profile = No existe el perfil de medidor «{ $profile }». Elija un modelo de la lista.
portal-error-counter-none = Falta el modelo: sin él no se sabe dónde guarda el medidor su lectura. Elija uno.
portal-error-unit-id = La dirección es { $typed }: Modbus da a los equipos de 1 a 247. Mire la pantalla o el manual del equipo.
portal-error-place-taken = La dirección { $unit } del bus «{ $bus }» ya tiene un equipo: dos contestarían a la vez. Dé otra dirección a este.
portal-error-first-day = El primer día queda demasiado lejos: elija uno a lo más cinco años atrás o un año adelante.
portal-error-billed = Lo anterior al { $first } ya está facturado y no cambia. Elija ese día o uno posterior.
portal-error-cutoff-day = El día de cierre es { $typed }: elija de 1 a 31. En un mes más corto cuenta su último día.
portal-error-send-hour = La hora es { $typed }: elija de 0 a 23.
portal-error-price = El precio es { $typed }: debe estar entre 0 y 1,000,000,000.
portal-error-price-decimals = El precio { $typed } tiene más de 6 decimales: redondéelo.
portal-error-minimum = El mínimo es { $typed }: debe estar entre 0 y 1,000,000,000. Escriba 0 si no hay.

## Entrar

portal-sign-in = Entrar
portal-sign-in-lead = Vea lo que marcan sus medidores y lo que cuesta.
portal-sign-in-help = ¿Aún no tiene contraseña o la olvidó? Pida un enlace nuevo a quien administra sus medidores.
portal-sign-in-wrong = El correo o la contraseña no es correcta. Inténtelo otra vez.
portal-sign-in-throttled = Demasiados intentos. Espere un minuto e inténtelo otra vez.
portal-email = Correo electrónico
portal-password = Contraseña
portal-password-new = Contraseña nueva
portal-password-current = Contraseña actual
portal-password-help = Al menos { $least } caracteres. Varias palabras seguidas son fáciles de recordar y difíciles de adivinar.
portal-password-title = Elija su contraseña
portal-password-lead = Hola, { $name }: así entrará en adelante.
portal-password-set = Guardar la contraseña
portal-password-email-help = Entrará con este correo.
portal-password-change = Cambiar la contraseña
portal-link-spent-title = Este enlace ya no sirve
portal-link-spent = Un enlace sirve una vez, durante 7 días. Si ya tiene contraseña, entre; si no, pida otro enlace a quien le invitó.

## Cuentas

portal-account = Cuenta
portal-accounts-lead = Cada cuenta es de un integrador, que registra medidores e invita a quienes los consultan.
portal-accounts-empty = Aún no hay cuentas. Cree la primera: su integrador recibe un enlace por correo.
portal-account-new = Cuenta nueva
portal-account-add = Crear la cuenta
portal-account-name = Nombre de la cuenta
portal-account-name-help = El nombre del integrador, como aparece en sus facturas.
portal-account-first = Primer integrador
portal-account-first-help = Recibe un enlace para crear su contraseña.
portal-integrator-invite = Invitar a un integrador
portal-invite = Invitar
portal-role = Función
portal-role-integrator = Integrador
portal-role-monitor = Usuario monitor

## Personas

portal-language = Idioma
portal-language-help = El idioma del portal para esta persona. Las facturas hablan el idioma de su medidor.
portal-people-lead = Los usuarios monitores ven los medidores que usted les asigna, y nada más.
portal-people-empty = Aún no hay nadie.
portal-person-name = Nombre
portal-person-new = Invitar a un usuario monitor
portal-person-new-lead = Recibe por correo un enlace para crear su contraseña; usted también lo verá, por si lo entrega de otra forma.
portal-person-active = Activo
portal-person-invited = Invitado
portal-person-meters = Medidores y cómo llegan sus facturas
portal-person-meters-help = Al asignar un medidor, la persona ve sus lecturas y todas sus facturas.
portal-person-new-link = Enviar otra vez el enlace
portal-person-remove = Quitar de la cuenta
portal-person-remove-lead = { $name } ya no verá ningún medidor de esta cuenta ni recibirá facturas o avisos. Lo emitido se queda. Puede invitarle otra vez.
portal-remove-confirm = Sí, quitar
portal-may-change = Puede cambiar ajustes
portal-switch = Esta persona puede cambiar ajustes de sus medidores
portal-switch-help = Día de cierre, consumo mínimo y cómo le llegan las facturas. El precio lo fija usted.
portal-invited-title = Invitación
portal-invited-lead = Un correo con un enlace va en camino a { $name } ({ $email }).
portal-invited-known = { $name } ({ $email }) ya es usuario aquí. Un correo le dice cómo entrar.
portal-invited-link = El mismo enlace, por si lo entrega usted
portal-invited-link-help = Sirve una vez, durante 7 días, y solo se muestra ahora. Quien lo abra crea la contraseña: no lo dé a nadie más.
portal-delivery = Facturas por
portal-delivery-email = Correo
portal-delivery-telegram = Telegram
portal-delivery-both = Correo y Telegram
portal-delivery-none = Lo ve, sin mensajes
portal-delivery-not = Sin asignar
portal-delivery-not-integrator = Solo si no hay nadie más
portal-telegram-linked = Telegram vinculado
portal-telegram-not-linked = Telegram sin vincular

## Edificios y gateways

portal-site = Edificio
portal-sites-lead = Un edificio con sus gateways y medidores.
portal-sites-empty = Aún no hay edificios. Empiece por el edificio cuyos medidores va a facturar.
portal-site-new = Edificio nuevo
portal-site-new-lead = Los medidores nuevos toman la zona horaria y el idioma del edificio; cada uno puede tener los suyos.
portal-site-add = Agregar el edificio
portal-site-edit = Editar el edificio
portal-site-edit-lead = Los medidores registrados conservan su zona horaria y su idioma.
portal-site-name = Nombre del edificio
portal-site-name-help = Como debe aparecer en las facturas, por ejemplo «Plaza Norte».
portal-zone = Zona horaria
portal-zone-help = Los días empiezan y los periodos cierran a la medianoche de aquí. Elija de la lista o escriba un nombre IANA.
portal-locale = Idioma y región
portal-locale-help = El idioma de facturas y mensajes, y la forma de escribir números y fechas.
portal-gateway = Gateway
portal-gateways-lead = Lo que lee los medidores de un edificio y envía aquí las lecturas.
portal-gateways-empty = Aún no hay gateways. Agregue uno en la página de su edificio.
portal-gateway-new = Agregar un gateway
portal-gateway-new-lead = Después recibirá el código con el que se conecta.
portal-gateway-add = Agregar y ver el código
portal-gateway-name = Nombre del gateway
portal-gateway-name-help = Dónde está, por ejemplo «Cuarto eléctrico, planta baja».
portal-kind = Tipo
portal-kind-gateway = Gateway Enervue (Linux)
portal-kind-connektor = Tarjeta Connektor
portal-kind-help = Una tarjeta Connektor lee hasta { $most } medidores; un gateway Enervue, los que permitan sus líneas.
portal-gateway-online = En línea
portal-gateway-away = Sin conexión
portal-gateway-last-seen = última señal { $ago }
portal-gateway-away-why = Última señal { $ago }. Lo más probable: sin corriente o sin internet. Guarda las lecturas y las envía cuando vuelva.
portal-gateway-not-enrolled = Sin conectar
portal-gateway-never-seen = Conectado, aún sin señal
portal-gateway-not-enrolled-help = Este gateway aún no está conectado. Genere un código y escriba en el gateway el comando que aparece.
portal-connektor-full = Esta tarjeta Connektor ya lee { $most } medidores y no puede leer más. Use otra tarjeta o un gateway Enervue para el siguiente medidor.
portal-software = Programa
portal-waiting = Lecturas por enviar
portal-buses = Buses
portal-buses-empty = El gateway no ha informado de ningún bus.
portal-bus = Bus
portal-bus-up = Funciona
portal-bus-down = Falla
portal-bus-error = Bus «{ $bus }»: { $error }
portal-bus-and-unit = Bus · dirección
portal-bus-help = El gateway informó de: { $buses }.
portal-bus-help-unknown = El bus como lo llama el archivo del gateway. Este gateway aún no informa de sus buses.
portal-running-since = Programa en marcha desde
portal-up-since = Equipo encendido desde
portal-disk = Disco
portal-disk-free = { $free } libres de { $all }
portal-disk-why = El disco del gateway está casi lleno: quedan { $free }. Libere espacio o ponga una tarjeta más grande; cuando se acabe el espacio no podrá guardar nada más.
portal-temperature = Temperatura
portal-hot-why = El procesador del gateway está a { $temperature } y trabaja más lento. Dele ventilación o un lugar a la sombra.
portal-clock = Reloj
portal-clock-trusted = En hora
portal-clock-untrusted = Sin hora
portal-clock-none = nadie le ha dado la hora desde que se encendió
portal-clock-ntp = lo mantiene un servidor de hora
portal-clock-cloud = puesto por esta nube
portal-clock-machine = el del equipo, sin confirmar
portal-clock-test = reloj de prueba
portal-clock-ahead = el del equipo va { $seconds } s adelantado
portal-clock-behind = el del equipo va { $seconds } s atrasado
portal-clock-untrusted-why = El gateway no sabe qué hora es. Sigue leyendo, y fechará lo leído en cuanto reciba la hora de un servidor o de aquí. Hasta entonces nada de eso decide una factura.
portal-waiting-since = la más antigua del { $when } · { $ago }
portal-buffer = Lecturas guardadas en su disco
portal-buffer-size = { $used } de { $most }
portal-lost = Lecturas perdidas
portal-refused = Lecturas rechazadas
portal-none = Ninguna
portal-damage-why = El disco del gateway devolvió algo distinto de lo escrito, o se le puso una copia vieja: el gateway apartó su base de datos y empezó otra con lo que estaba intacto. Si vuelve a pasar, cambie la tarjeta.
portal-traffic = Peticiones en la línea
portal-traffic-help = Desde que arrancó el programa del gateway. Muchas sin respuesta apuntan al cableado, la dirección o la corriente; muchas dañadas, a las terminaciones de la línea, su longitud o dos equipos con la misma dirección.
portal-traffic-requests = Peticiones
portal-traffic-answers = Respuestas
portal-traffic-timeouts = Sin respuesta
portal-traffic-damaged = Dañadas
portal-traffic-exceptions = Rechazadas por el equipo
portal-do = Pedir
portal-read-now = Leer ahora
portal-diagnose = Diagnosticar
portal-orders = Lo que se le pidió
portal-orders-wait = Esta página se actualiza cada pocos segundos hasta que llegue la respuesta.
portal-orders-still = Dejarla quieta
portal-order-show = Ver la respuesta
portal-order-read = Leer { $meter } ahora
portal-order-asked = { $when } · { $by }
portal-order-waits = Esperando la respuesta
portal-order-done = Contestado
portal-order-failed = Falló
portal-order-expired = Sin hacer
portal-order-expired-why = El gateway no contestó en 10 minutos. Pídalo de nuevo cuando esté en línea.
portal-order-what = Qué
portal-order-value = Valor
portal-doubled-why = Dos gateways hablan con la clave de este (visto el { $when }): una copia de su tarjeta está funcionando en otra parte, o se le puso una copia vieja. Encuentre el segundo y apáguelo; después genere aquí un código y conecte el que se queda, que así recibe una clave propia. Hasta entonces lo que envían ambos se guarda aparte donde se contradice.
portal-losses = Pérdidas
portal-losses-when = Cuándo
portal-losses-why = Por qué
portal-losses-unknown = no se sabe
portal-seal-faults = Sellos que no se sostienen
portal-seal-faults-help = Esa lectura se guarda y se marca. Un sello no se sostiene si la lectura cambió por el camino, si lo hizo otra clave o si falta un eslabón anterior. Vea si la tarjeta del gateway se copió o se cambió.
portal-seal-link = Eslabón
portal-seal-fault = Falla del sello
portal-keys = Claves
portal-key-fingerprint = Huella
portal-key-from = Desde
portal-key-until = Hasta
portal-key-now = Vale ahora
portal-chain = Sellos
portal-chain-sealed = sellado hasta el { $date }, eslabón { $link }
portal-chain-none = aún sin sellar
portal-chain-broken = El eslabón { $link } no se sostiene: { $fault }.
portal-chain-fault = Falla
portal-access = Acceso
portal-access-help = Lo que deja entrar a este gateway, y lo que le cierra la puerta.
portal-key-change = Cambiar la clave
portal-key-change-lead = { $gateway } hace una clave nueva y la entrega con la anterior. No se pierde nada, y lo que selló la clave anterior sigue valiendo. Hágalo de vez en cuando, o si alguien pudo ver el disco del gateway.
portal-key-change-confirm = Sí, cambiar la clave
portal-revoke = Revocar
portal-revoke-lead = Desde este momento no se acepta nada de lo que envíe { $gateway }. Sigue leyendo y guarda las lecturas en su disco. Para dejarlo entrar de nuevo, genere un código en su página y escriba el comando en el gateway: entonces llega lo que guardó.
portal-revoke-confirm = Sí, cerrarle la puerta
portal-done-asked = Pedido. La respuesta aparecerá abajo.
portal-done-asked-much = Hay tantas peticiones en espera que no se hizo: espere a que el gateway conteste.
portal-done-revoked = El gateway ya no puede entrar. Conserva sus lecturas; un código nuevo lo deja entrar otra vez.
portal-devices = Equipos
portal-devices-empty = Aún no hay nada registrado en este gateway. Registre el primer medidor.
portal-device-answers = Contesta
portal-device-silent = No contesta
portal-device-unknown = Aún sin informe
portal-code = Código
portal-code-new = Código nuevo
portal-code-command = Escriba esto en el gateway
portal-code-lead = Con este código el gateway se une a su cuenta. Se muestra solo ahora y sirve una vez.
portal-code-lead-connektor = Escriba este código en el programa de configuración de la tarjeta Connektor. Se muestra solo ahora y sirve una vez.
portal-code-expires =
    { $minutes ->
        [one] Vale { $minutes } minuto, hasta el { $until } ({ $zone }).
       *[other] Vale { $minutes } minutos, hasta el { $until } ({ $zone }).
    }

## Medidores

portal-meter = Medidor
portal-medium = Mide
portal-medium-electric = Electricidad
portal-medium-water = Agua
portal-medium-thermal = Energía térmica
portal-last-reading = Última lectura
portal-language-zone = Idioma · zona
portal-price = Precio
portal-cutoff-on = cierra el día { $day }
portal-cutoff-last = último día del mes
portal-cutoff-or-last = día { $day }, o el último de un mes más corto
portal-meters-empty = Aún no hay medidores. Registre uno en la página de su gateway.
portal-meters-cut = Se muestran { $shown } de { $all } medidores; los demás están en las páginas de sus edificios.
portal-meter-new-from-gateway = Registrar un medidor
portal-meter-register = Registrar un medidor
portal-meter-add = Registrar el medidor
portal-meter-fresh = Registra
portal-meter-silent = Sin datos
portal-meter-new = Espera su primera lectura
portal-meter-never = Aún sin lectura
portal-meter-silent-why = Sin registro: la última lectura fue { $ago }. Revise la corriente y el cableado del medidor y de su gateway; sin lectura al cierre, la factura tendrá que esperar.
portal-meter-never-why = Este medidor no se ha leído desde que se registró. Revise la dirección, el bus, el modelo y el cableado: la página de su gateway dice qué contesta.
portal-section-meter = El medidor
portal-section-place = Dónde lo encuentra su gateway
portal-section-terms = Condiciones de cobro
portal-section-recipients = Quién recibe las facturas
portal-section-recipients-help = Aquí están las personas de su cuenta; invite a otras en «Personas». Si no elige a nadie, las facturas le llegan a usted.
portal-label = Nombre del medidor
portal-label-help = Lo que mide, como debe decirlo la factura: «Local 204».
portal-counter = Modelo y unidad
portal-counter-choose = Elija un modelo…
portal-counter-help = Lo que dice la placa, con la unidad de su pantalla. La factura se escribe en esta unidad.
portal-serial = Número de serie
portal-serial-help = El de la placa, si lo tiene. Permite comprobar que la factura es de su medidor.
portal-profile = Perfil
portal-unit-id = Dirección Modbus
portal-unit-id-help = La dirección Modbus del equipo, de 1 a 247; en un bus cada uno tiene la suya.
portal-first-day = Primer día
portal-first-day-help = Desde este día el equipo sirve a este medidor. El primer periodo empieza con la primera lectura de medianoche.
portal-price-unit = Precio por unidad
portal-price-help = Hasta 6 decimales, por ejemplo 3.50.
portal-currency = Moneda
portal-minimum = Consumo mínimo
portal-minimum-help = Cada periodo cobra al menos esto, en la unidad del medidor. 0 si no hay.
portal-cutoff-day = Día de cierre
portal-cutoff-help = El último día del periodo, de 1 a 31. En un mes más corto cuenta su último día.
portal-send-hour = Hora de envío
portal-send-hour-help = Las facturas salen el día después del cierre a esta hora, de 0 a 23, en la zona horaria del medidor.
portal-sends = Envío
portal-sends-at = el día después del cierre, { $hour }
portal-settings = Ajustes
portal-terms-help = Un precio nuevo cuenta desde el día que elija; un día de cierre, mínimo o moneda nuevos, desde el siguiente periodo.
portal-effective-from = Cuenta desde
portal-effective-help = El primer día de las condiciones nuevas. Lo ya facturado no cambia.
portal-managed-by = Lo administra { $account }
portal-next-sentence = Siguiente: { $dates }, se envía el { $sends } ({ $zone }).
portal-plans = Historial de condiciones
portal-running = Periodo en curso
portal-so-far = hasta ahora
portal-running-unknown = El consumo se conoce en cuanto haya una lectura del inicio del periodo.
portal-running-none = Aún no hay un periodo en curso.
portal-reading-at = { $when } · { $ago }
portal-last-periods = Últimos cuatro periodos
portal-last-invoice = Última factura
portal-period = Periodo
portal-consumption = Consumo
portal-total = Total
portal-recipients = Quién recibe las facturas
portal-recipients-lead = Los cambios cuentan desde el siguiente mensaje.
portal-recipients-none = No hay nadie asignado: las facturas van al integrador.
portal-recipients-own = Quien administra el medidor fija cómo le llegan las facturas.
portal-recipients-change = Cambiar envíos
portal-excel = Excel
portal-excel-all = Todo en Excel
portal-my-meters-empty = Aún no tiene medidores asignados. Puede hacerlo quien los administra.

## Facturas y avisos

portal-invoice-number = Factura { $number }
portal-invoice-issued = Emitida
portal-invoice-held = En espera
portal-invoices-empty = Aún no hay facturas. Cada una sale sola el día después del cierre.
portal-invoices-none-yet = Aún no cierra ningún periodo. La factura sale sola el día después del cierre.
portal-held = { $meter } · { $dates }: la factura espera
portal-simulated = Simulada
portal-invoice-days-read = Días con lectura propia: { $read } de { $days }
portal-invoice-device = Medidor n.º { $number }.
portal-no-reading = sin lectura
portal-as-table = Ver como tabla
portal-notices-lead = Cada mensaje debido, del más nuevo al más antiguo, con lo que contestó el correo o Telegram.
portal-notices-empty = Aún no se debía ningún mensaje.
portal-notice = Mensaje
portal-notice-to = Para
portal-notice-by = Por
portal-notice-invoice = Factura
portal-notice-silent = Medidor sin datos
portal-notice-recovered = Registra de nuevo
portal-notice-invitation = Invitación
portal-notice-sent = Enviado
portal-notice-failed = No se pudo
portal-notice-due = En espera
portal-notice-retrying = Se intentará de nuevo

## Inicio

portal-tile-online = en línea
portal-tile-fresh = leídos en el último día
portal-tile-next = Próximas facturas
portal-tile-next-help = se hacen solas
portal-tile-undelivered = Sin entregar
portal-tile-undelivered-help = mensajes
portal-steps = Primeros pasos
portal-step-done = hecho
portal-step-site = Agregar un edificio
portal-step-site-help = El edificio, su zona horaria y su idioma.
portal-step-gateway = Conectar un gateway
portal-step-gateway-help = Un comando con un código que vale 15 minutos.
portal-step-meter = Registrar los medidores
portal-step-meter-help = Modelo, dirección, precio y día de cierre.
portal-step-people = Invitar a quien los consulta
portal-step-people-help = Solo ven sus medidores y facturas.
portal-attention = Requiere atención
portal-attention-none = Todo está bien. Aquí aparecerá lo que requiera su atención.
portal-attention-more =
    { $n ->
        [one] y { $n } más
       *[other] y { $n } más
    }

## Mis ajustes

portal-me = Mis ajustes
portal-me-about = Mis datos
portal-me-password = Contraseña
portal-me-password-help = Al cambiarla se cierra su sesión en los demás dispositivos.
portal-telegram = Telegram
portal-telegram-help = Reciba facturas y avisos por Telegram. El botón crea un enlace que abre nuestro bot; ahí pulse Iniciar.
portal-telegram-link = Vincular Telegram
portal-telegram-unlink = Desvincular Telegram
portal-telegram-linked-help = Su chat de Telegram está vinculado. Si lo desvincula, los mensajes llegan por correo.
portal-telegram-open = Abrir Telegram
portal-telegram-open-help = Abra el bot y pulse Iniciar. El enlace es solo para usted, sirve una vez y dura 10 minutos.
portal-telegram-down = No se puede llegar a Telegram en este momento. Inténtelo en unos minutos.

# Invoices, their workbook and the notices.
portal-invoice-column = N.º de factura
portal-export-cut = El archivo de Excel incluye los primeros { $most } de sus { $all } medidores; los de los demás están en sus propias páginas.
portal-notice-attempts = Intentos

portal-verification-file = Archivo de verificación
portal-link = Página pública
portal-link-lead = Quien tenga el papel con el código QR ve esta factura, sin ningún nombre, en { $address }. Revoque la página si el papel está en malas manos: el código ya no lleva a ninguna parte, para siempre.
portal-link-open = Abrir la página
portal-link-confirm = Sí, revocar la página
portal-link-revoked = La página pública de esta factura está revocada: el código QR del papel no lleva a ninguna parte.
portal-done-link = La página pública está revocada.
portal-verify = Verificación
portal-verify-identical = Revisado ahora mismo: es lo que se emitió
portal-verify-differs = NO es lo que se emitió. Estos campos difieren:
portal-verify-sealed = Cada registro se apoya en lecturas que el gateway selló.
portal-verify-unsealed = No todo se apoya en lecturas que el gateway selló. Esto no:
portal-verify-keys = Firmado y sellado por
portal-verify-issuer = Clave del emisor
portal-verify-gateway = Clave del gateway
portal-verify-self = Nadie tiene que creerle a esta página: pida al emisor el archivo de verificación y revíselo usted mismo, sin ningún servidor, con enervue-cloud invoice verify. El gateway también muestra su clave.
portal-verify-proves = Esto prueba que nada ha cambiado desde que el gateway leyó el medidor, que no se omitió ninguna lectura sellada entre medio y que los importes son los que resultan de los registros con las condiciones indicadas.
portal-verify-not = No prueba que el medidor mida bien ni que las condiciones se hayan acordado.
portal-verify-adjustment = Ajuste
