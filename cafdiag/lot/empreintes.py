"""Ce qui décide d'un diagnostic, résumé en une empreinte : données, gabarits, code, bibliothèques, demande.

Deux demandes de même empreinte donnent les mêmes octets ; c'est ce que compare ``--reprendre``, jamais
l'heure des fichiers. ``lot.json``, qu'on remet à d'autres, ne porte que les empreintes de ce qui est public ; celle
de ce qu'un partenaire a remis reste sur le poste (:func:`marque_privee`).
"""

from __future__ import annotations

import json
import platform

from cafdiag import magasin
from cafdiag.donnees import entrepot
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.empreintes_du_code import des_fichiers, sha256, version_de, version_du_code
from cafdiag.geographie import geographie
from cafdiag.restitution.livrables import SIGNES
from cafdiag.restitution.produire import Commande
from cafdiag.territoires.gardes import gardes_en_rang

APPORTS = ("qpv", "registre")
PRIVES = ("registre",)
_BIBLIOTHEQUES = ("pandas", "numpy", "geopandas", "shapely", "pyproj", "folium", "matplotlib", "jinja2",
                  "nbformat", "papermill", "ipykernel", "scipy", "pyarrow", "pyogrio", "openpyxl",
                  "python-docx", "typst")  # fmt: skip
# Ce qui appartient à qui demande le lot, et qu'un travailleur reçoit avec lui.
DU_DEMANDEUR = ("entrepot",)


def entrees_communes() -> dict[str, str]:
    """Ce que partagent tous les diagnostics d'un lot, une empreinte par nature d'entrée.

    Les tables embarquées sont comparées à ``data/empreintes.json`` à chaque lecture : cette liste les vaut.
    """
    return {
        "version": version_du_code(),
        "geographie": str(geographie()),
        "donnees": sha256((magasin.dossier("data") / "empreintes.json").read_bytes().replace(b"\r\n", b"\n")),
        "gabarits": des_fichiers(magasin.dossier("templates"), "*")
        + des_fichiers(magasin.dossier("maps"), "*.js", "*.css"),
        "entrepot": sha256(json.dumps(_entrees(publiques=True), sort_keys=True)),
        "bibliotheques": sha256(
            "\n".join([platform.python_version(), *(f"{nom}=={version_de(nom)}" for nom in _BIBLIOTHEQUES)])
        ),
    }


def _entrees(*, publiques: bool) -> dict[str, dict]:
    return {n: e for n, e in entrepot.entrees().items() if entrepot.sans_empreinte(e["jeu"]) != publiques}


def marque_privee(commande: Commande, apports: dict[str, str]) -> str:
    """Ce qui décide d'un diagnostic et que d'autres ne doivent pas pouvoir essayer ; à ne pas écrire hors du poste.

    Parameters
    ----------
    commande : Commande
    apports : dict
        Empreinte de chaque fichier apporté.

    Returns
    -------
    str
        Vide si rien n'est privé.
    """
    privees = [_entrees(publiques=False), {n: v for n, v in apports.items() if n in PRIVES}]
    if not any(privees):
        return ""
    # Avec des données confidentielles, un périmètre montré avant celui-ci peut le faire taire.
    avant = gardes_en_rang() if commande.cible.maille == "perimetre" and confidentielles() else ()
    siennes = frozenset(commande.cible.communes)
    rang = next((i for i, communes in enumerate(avant) if frozenset(communes) == siennes), len(avant))
    return sha256(json.dumps([*privees, avant[:rang]], sort_keys=True))


def empreinte(commande: Commande, communes: dict[str, str], apports: dict[str, str]) -> str:
    """Empreinte d'un diagnostic demandé.

    Parameters
    ----------
    commande : Commande
        La demande ; les chemins des fichiers apportés n'y comptent pas, leur contenu oui.
    communes : dict
        :func:`entrees_communes`.
    apports : dict
        Empreinte de chaque fichier apporté (``qpv``, ``registre``) ; celle d'un registre n'y compte pas.
    """
    apports = {n: v for n, v in apports.items() if n not in PRIVES}
    propres = {n: v for n, v in commande.parametres.items() if n not in APPORTS}
    # Une identité ne change que ce qui la porte ; sans lui, celle d'un lot d'avant garde son empreinte.
    qui = [repr(commande.identite)] if set(SIGNES) & set(commande.formats) else []
    qui += [sha256(commande.modele)] if commande.modele else []
    return sha256(
        json.dumps([communes, apports, propres, sorted(commande.formats), *qui], sort_keys=True, ensure_ascii=False)
    )
