"""Les rédacteurs d'un document, un par format ; chacun n'est chargé que s'il sert."""

from __future__ import annotations

from importlib import import_module

from cafdiag.restitution.document import Document

# Format : le module qui l'écrit, et sa fonction (d'un document à des octets ou à un texte). Le rapport et les pièces
# du dossier le proposent dès qu'il est ici.
REDACTEURS = {
    "html": ("rendu_html", "page"),
    "docx": ("rendu_docx", "rendre_docx"),
    "pdf": ("rendu_pdf", "pdf"),
}
# Ceux que l'on reprend à la main : retouchés, ils ne s'écrasent pas.
RETOUCHABLES = ("docx",)


def rediger(document: Document, format_: str) -> str | bytes:
    """Le document dans un format de :data:`REDACTEURS` ; mêmes entrées, mêmes octets.

    Examples
    --------
    >>> "<h1>Craon</h1>" in rediger(Document("Craon", "Essai"), "html")
    True
    """
    module, fonction = REDACTEURS[format_]
    return getattr(import_module(f"cafdiag.restitution.{module}"), fonction)(document)
