"""``index.html`` : la porte d'entrée d'un lot, cherchable, sans réseau ni bibliothèque."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2

from cafdiag.lot.tache import A_FAIRE, ECHEC, FAIT
from cafdiag.magasin import dossier, ecrire_atomique
from cafdiag.territoires.normalisation import normaliser
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

if TYPE_CHECKING:
    from pathlib import Path

    from cafdiag.lot.etat import EtatDuLot

_LIBELLES = {FAIT: "fait", ECHEC: "échec", A_FAIRE: "à faire"}
_NOMS = {"html": "rapport", "ipynb": "carnet", "mesures": "mesures (CSV)", "note_pdf": "note (pdf)",
          "pptx": "diapositives", "actions": "actions (à remplir)"}  # fmt: skip


def ecrire_index(etat: EtatDuLot) -> Path:
    """Écrit l'index d'un lot. Ni date ni durée : mêmes diagnostics, mêmes octets."""
    modele = jinja2.Environment(
        loader=jinja2.FileSystemLoader(dossier("templates") / "lot"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template("index.html.j2")
    lignes = sorted(
        (_ligne(cle, fiche) for cle, fiche in etat.territoires.items()),
        key=lambda ligne: (ligne["departement"], normaliser(ligne["nom"]), ligne["cle"]),
    )
    comptes = {nom: sum(ligne["etat"] == nom for ligne in lignes) for nom in _LIBELLES}
    departements = {ligne["departement"]: ligne["nom_departement"] for ligne in lignes if ligne["departement"]}
    vues = [
        (f"departement-{code}.html", nom or code)
        for code, nom in sorted(departements.items())
        if (etat.sortie / f"departement-{code}.html").is_file()
    ]
    page = modele.render(lignes=lignes, comptes=comptes, total=len(lignes), libelles=_LIBELLES, vues=vues)
    return ecrire_atomique(etat.sortie / "index.html", page)


def _ligne(cle: str, fiche: dict[str, Any]) -> dict[str, Any]:
    officiel = fiche.get("nom_officiel", fiche["nom"])
    noms = {f: fichier["nom"] for f, fichier in fiche["fichiers"].items()}
    return {
        "cle": cle,
        "code": fiche["code"],
        "nom": fiche["nom"],
        "officiel": officiel if officiel != fiche["nom"] else "",
        "maille": LIBELLES_MAILLES[fiche["maille"]],
        "departement": fiche["departement"],
        "nom_departement": fiche.get("nom_departement", ""),
        "etat": fiche["etat"],
        "motif": fiche["motif"],
        "rapport": noms.pop("html", ""),
        "fichiers": [(_NOMS.get(f, f), nom) for f, nom in noms.items()],
        "recherche": normaliser(
            f"{fiche['nom']} {officiel} {fiche['code']} {fiche['departement']} {fiche.get('nom_departement', '')}"
        ),
    }
