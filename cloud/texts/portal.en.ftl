# The portal.
