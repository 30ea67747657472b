# Correos y mensajes de Telegram.
