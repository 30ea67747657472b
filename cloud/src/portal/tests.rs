//! The routes and who may take them: every page for every role.


