"""Les livrables d'un carnet exécuté, un format chacun. Chacun ne charge que ce qui lui sert."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import ProductionImpossible
from cafdiag.restitution.carte import MIME_CARTE, Carte
from cafdiag.restitution.document import Document, Figure
from cafdiag.restitution.document_html import lire_blocs
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.types_mime import HORS_DU_RAPPORT, MIME_BLOC, MIME_GARDE, MIME_MESURES, MIME_NOTE

if TYPE_CHECKING:
    from cafdiag.indicateurs.actions import Action

FORMATS = ("xlsx", "docx", "pdf", "note", "pptx", "fiches", "gpkg", "geojson")
# Ceux qui portent l'identité de la Caf.
SIGNES = ("note", "pptx", "fiches")


def sorties(carnet) -> Iterator[dict[str, Any]]:
    """Sorties affichées d'un carnet exécuté, dans l'ordre."""
    for cellule in carnet.cells:
        for sortie in cellule.get("outputs", []):
            if sortie.get("output_type") in ("display_data", "execute_result"):
                yield sortie["data"]


def cartes_du_carnet(carnet) -> list[Carte]:
    """Les cartes qu'un carnet exécuté a gardées, dans l'ordre."""
    return [Carte.lire(_objet(d[MIME_CARTE])) for d in sorties(carnet) if MIME_CARTE in d]


def figure_de_la_carte(carte: Carte) -> Figure:
    """Une carte en figure fixe."""
    from cafdiag.restitution.carte_fixe import carte_statique

    image = carte_statique(carte)
    return Figure(image.titre, image.svg, image.texte, image.sous_titre, image.source, genre="carte")


def document_du_carnet(carnet) -> Document:
    """Le modèle de document d'un carnet exécuté : mêmes morceaux, même ordre que la page HTML."""
    garde: Mapping[str, Any] = {}
    blocs: list = []
    for donnees in sorties(carnet):
        if MIME_GARDE in donnees:
            garde = _objet(donnees[MIME_GARDE])
        elif MIME_CARTE in donnees:
            blocs.append(figure_de_la_carte(Carte.lire(_objet(donnees[MIME_CARTE]))))
        elif MIME_BLOC in donnees and not HORS_DU_RAPPORT & set(donnees):
            blocs += lire_blocs("".join(donnees.get("text/html", "")))
    return Document(
        titre=garde.get("titre", ""),
        sous_titre=garde.get("sous_titre", ""),
        maille=garde.get("maille", ""),
        situation=garde.get("situation", ""),
        avertissements=tuple(garde.get("avertissements", ())),
        blocs=tuple(blocs),
    )


def rendre(
    formats: Sequence[str],
    carnet,
    *,
    identite: Identite | None = None,
    modele: bytes = b"",
    actions: Sequence[Action] = (),
) -> dict[str, str | bytes]:
    """Contenu de chaque livrable demandé.

    Parameters
    ----------
    formats : sequence of str
        Parmi :data:`FORMATS`.
    carnet : notebook
        Le carnet exécuté.
    identite : Identite, optional
        Ce qui s'écrit en tête et au pied de la note, et sur la première diapositive.
    modele : bytes
        Le modèle des diapositives, déjà contrôlé ; vide : le nôtre.
    actions : sequence of Action
        Celles de l'usager, pour les fiches ; vide : une fiche par enjeu, et le tableau à remplir.

    Returns
    -------
    dict
        Par format ; la note en donne deux, ``note`` (sa page) et ``note_pdf`` ; les fiches aussi, ``fiches`` et
        ``actions`` (le tableau à remplir, sauf s'il l'est déjà).
    """
    rendus: dict[str, str | bytes] = {}
    if {"docx", "pdf"} & set(formats):
        document = document_du_carnet(carnet)
        if "docx" in formats:
            from cafdiag.restitution.rendu_docx import rendre_docx

            rendus["docx"] = rendre_docx(document)
        if "pdf" in formats:
            from cafdiag.restitution.rendu_pdf import pdf

            rendus["pdf"] = pdf(document)
    if set(SIGNES) & set(formats):
        contenu, cartes = _note(carnet), cartes_du_carnet(carnet)
        if "note" in formats:
            from cafdiag.restitution.rendu_note import rendre_note

            rendus["note"], rendus["note_pdf"] = rendre_note(contenu, cartes, identite or Identite())
        if "pptx" in formats:
            from cafdiag.restitution.rendu_pptx import rendre_pptx

            rendus["pptx"] = rendre_pptx(contenu, cartes, identite or Identite(), modele)
        if "fiches" in formats:
            from cafdiag.restitution.fiches_actions import Fiches

            fiches = Fiches(contenu, _mesures(carnet), actions)
            rendus["fiches"] = fiches.docx(identite or Identite())
            if not actions:
                rendus["actions"] = fiches.xlsx()
    if "xlsx" in formats:
        from cafdiag.restitution.rendu_xlsx import rendre_xlsx

        garde = next(_objet(d[MIME_GARDE]) for d in sorties(carnet) if MIME_GARDE in d)
        rendus["xlsx"] = rendre_xlsx(
            _mesures(carnet),
            titre=garde["titre"],
            situation=garde["situation"],
            maille=garde.get("maille", ""),
        )
    if {"gpkg", "geojson"} & set(formats):
        from cafdiag.restitution.rendu_geo import couches_geo, geojson, geopackage

        couches = couches_geo(_mesures(carnet), cartes_du_carnet(carnet))
        if "gpkg" in formats:
            rendus["gpkg"] = geopackage(couches)
        if "geojson" in formats:
            rendus["geojson"] = geojson(couches)
    return rendus


def _note(carnet) -> Mapping[str, Any]:
    """Ce que le carnet a préparé pour la note, les diapositives et les fiches."""
    contenu = next((_objet(d[MIME_NOTE]) for d in sorties(carnet) if MIME_NOTE in d), None)
    if contenu is None:
        raise ProductionImpossible(
            "le carnet n'a rien préparé pour la note",
            attendu="une cellule « d.note() »",
            conseil="reprenez le gabarit d'origine, templates/diagnostic_ctg.ipynb",
        )
    return contenu


def _mesures(carnet) -> str:
    return next(_objet(d[MIME_MESURES])["csv"] for d in sorties(carnet) if MIME_MESURES in d)


def _objet(valeur: Any) -> Any:
    return json.loads(valeur) if isinstance(valeur, str) else valeur
