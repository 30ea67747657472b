# E-mails and Telegram messages.
