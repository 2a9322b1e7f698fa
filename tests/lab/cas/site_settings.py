"""Django's settings for the CAS server of the lab: people in a table, tickets of ten seconds."""

SECRET_KEY = "only on this machine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "lab.sqlite3"},
    "cas_server": {"ENGINE": "django.db.backends.sqlite3", "NAME": "people.sqlite3"},
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cas_server",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.locale.LocaleMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
CAS_AUTH_CLASS = "cas_server.auth.SqlAuthUser"
CAS_SQL_USER_QUERY = (
    "SELECT login AS username, digest AS password, number AS employeeNumber, name AS cn,"
    " kind AS userType FROM people WHERE login = %s"
)
CAS_SQL_PASSWORD_CHECK = "hex_sha256"
CAS_TICKET_VALIDITY = 10
CAS_NEW_VERSION_HTML_WARNING = CAS_NEW_VERSION_EMAIL_WARNING = False
