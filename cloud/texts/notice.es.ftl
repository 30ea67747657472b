# Correos y mensajes de Telegram, y por qué se retiene un periodo.

notice-invoice-subject = Factura { $meter } · { $total } · { $dates }
notice-readings = Lecturas
notice-view-invoice = Ver factura

notice-silent-subject = Sin datos de { $meter } desde { $when }
notice-silent-lead = { $meter } no ha registrado nada desde { $when }.
notice-silent-effect = El cierre del periodo es el { $date }. Sin una lectura del inicio del día siguiente, su factura tendrá que esperar. Lo que el gateway conserva llega solo en cuanto vuelva a conectarse.
notice-silent-causes = Suele ser una de estas causas:
notice-silent-cause-power = El medidor o el gateway no tiene corriente.
notice-silent-cause-internet = El gateway no tiene Internet: vea su conexión en el portal.
notice-silent-cause-line = El cableado RS-485 está suelto, o se cambió la dirección del medidor.
notice-view-meter = Ver medidor

notice-recovered-subject = { $meter } registra de nuevo
notice-recovered-lead = { $meter } registra de nuevo. No había registrado nada desde { $since }; su última lectura es de { $until }.
notice-recovered-effect = No se pierde ningún consumo: las facturas se hacen con las lecturas de los dos extremos del periodo.

notice-invitation-subject = { $account }: su acceso a Enervue
notice-invitation-lead = Hola, { $name }: { $account } le da acceso a Enervue, donde verá sus medidores, su consumo y sus facturas.
notice-invitation-link = Si aún no tiene contraseña, el enlace le pedirá crear una. Sirve una sola vez, dentro de 7 días. Si no esperaba este mensaje, ignórelo.
notice-open = Abrir Enervue

notice-bot-linked = Listo, { $name }: este chat recibe ahora lo que se le envía por Telegram. Para terminar, escriba /stop.
notice-bot-spent = Este enlace ya no vale: sirve una sola vez, dentro de 10 minutos. Pulse otra vez el botón de Telegram en el portal.
notice-bot-private = Solo hablo en chats privados. Abra el enlace del portal en un chat privado conmigo.
notice-bot-stopped = Este chat ya no recibe nada. Sus facturas llegarán por correo.
notice-bot-not-linked = Este chat no está vinculado con nadie.
notice-bot-help = Entrego las facturas y los avisos de sus medidores. Para vincular este chat, pulse el botón de Telegram en el portal. Para terminar, escriba /stop.

notice-hold-no-first-reading = No hay lectura de cierre desde que se montó el equipo ({ $when }). El primer periodo empieza con la primera.
notice-hold-no-device = El medidor no tenía equipo al inicio del { $date }.
notice-hold-reading-missing = No hay una lectura válida a menos de 10 minutos de { $when }. La factura se hará en cuanto llegue.
notice-hold-device-changed = El equipo se cambió entre el { $from } y el { $until }.
notice-hold-unit-differs = Al inicio del { $date } el medidor contaba en { $read }, pero se factura en { $billed }.
notice-hold-register-fell = La lectura bajó de { $before } ({ $from }) a { $after } ({ $until }): ¿se cambió o se reinició el equipo, o su contador volvió a empezar en cero?
notice-hold-register-jumped = La lectura saltó de { $before } ({ $from }) a { $after } ({ $until }), más de lo que puede pasar en ese tiempo: ¿se cambió el equipo o se ajustó su contador?
notice-hold-peak-missing = El plan cobra la potencia máxima y ninguna lectura la dice: regístrela o elija un plan sin precio de demanda.
notice-hold-too-many-digits = Una cifra tiene más dígitos de los que se pueden calcular con exactitud: revise el precio y las lecturas.
notice-hold-by-person = Quien emite las facturas la revisa primero.
