# El portal.
