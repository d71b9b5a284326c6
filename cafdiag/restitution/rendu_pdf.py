"""Le rapport en PDF : A4, paginé, balisé (PDF/UA-1), par Typst et sans réseau."""

from __future__ import annotations

import json
from typing import Any

from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.magasin import dossier
from cafdiag.restitution import document as modele
from cafdiag.restitution.document import Document
from cafdiag.restitution.images import POLICES, nettoyer, polices
from cafdiag.restitution.impression import a_imprimer, parts_des_colonnes

GABARIT = "document.typ"
# Un tableau plus court que cela ne se coupe pas d'une page à l'autre.
LIGNES_INSECABLES = 14
# Une ligne qui a une case plus longue se coupe : entière, elle laisserait un vide, et son titre seul au-dessus.
CASE_INSECABLE = 300


def pdf(document: Document) -> bytes:
    """Le document en PDF/UA-1 ; mêmes entrées, mêmes octets.

    Raises
    ------
    ProductionImpossible
        Gabarit absent ou abîmé.
    """
    import typst

    fichier = dossier("templates") / "rapport" / GABARIT
    try:
        return typst.compile(
            fichier.read_bytes(),
            format="pdf",
            font_paths=polices(),
            sys_inputs=entrees(document),
            pdf_standards=["ua-1"],
        )
    except (OSError, typst.TypstError) as cause:
        raise ProductionImpossible(
            f"le pdf n'a pas pu être composé ({en_clair(cause)})",
            attendu=f"templates/rapport/{GABARIT}, tel que livré",
            conseil="retéléchargez le projet, ou demandez les autres formats",
        ) from cause


def entrees(document: Document) -> dict[str, str]:
    """Ce que le gabarit lit : le document, et les polices."""
    contenu = {
        "titre": document.titre,
        "sommaire": document.sommaire,
        "pied": document.pied,
        "sous_titre": document.sous_titre,
        "maille": document.maille,
        "situation": document.situation,
        "avertissements": list(document.avertissements),
        "blocs": _blocs(a_imprimer(document.elements)),
    }
    return {"document": json.dumps(contenu, ensure_ascii=False), "polices": json.dumps(POLICES)}


def _bouts(bouts: modele.Bouts) -> list[dict]:
    return [vars(b) for b in bouts]


def _ligne(cases: tuple[modele.Case, ...]) -> list[dict]:
    # Une ligne ne se coupe que si toutes ses cases le peuvent.
    longue = any(sum(len(b.texte) for b in c.bouts) > CASE_INSECABLE for c in cases)
    return [vars(c) | {"bouts": _bouts(c.bouts), "longue": longue} for c in cases]


def _blocs(blocs: modele.Suite) -> list[dict]:
    """Les blocs ; sources et légendes d'un tableau sont rangées avec lui, pour ne pas passer la page sans lui."""
    rendus: list[dict] = []
    for bloc in blocs:
        note = isinstance(bloc, modele.Paragraphe | modele.Liste) and bloc.allure == "source"
        if note and rendus and rendus[-1]["genre"] == "table":
            rendus[-1]["notes"].append(_bloc(bloc))
        else:
            rendus.append(_bloc(bloc))
    return rendus


def _bloc(bloc: Any) -> dict:
    genre = type(bloc).__name__.lower()
    if isinstance(bloc, modele.Titre | modele.Paragraphe):
        return vars(bloc) | {"genre": genre, "bouts": _bouts(bloc.bouts)}
    if isinstance(bloc, modele.Liste):
        elements = [[_bloc(modele.Paragraphe(bouts))] for bouts in bloc.elements]
        return {"genre": genre, "ordonnee": bloc.ordonnee, "allure": bloc.allure, "elements": elements}
    if isinstance(bloc, modele.Table):
        corps = [_ligne(ligne) for ligne in bloc.corps]
        return {
            "genre": genre,
            "titre": bloc.titre,
            "precision": bloc.precision,
            "entetes": [_ligne(ligne) for ligne in bloc.entetes],
            "corps": corps,
            "colonnes": parts_des_colonnes(bloc),
            "notes": [],
            "long": len(corps) > LIGNES_INSECABLES or any(c["longue"] for ligne in corps for c in ligne),
        }
    if isinstance(bloc, modele.Figure):
        champs = vars(bloc) | {"svg": nettoyer(bloc.svg), "nature": bloc.genre}
        return champs | {"genre": genre, "alternative": bloc.alternative or bloc.titre or "dessin"}
    if isinstance(bloc, modele.Encadre):
        return {"genre": genre, "nature": bloc.genre, "blocs": _blocs(bloc.elements)}
    if isinstance(bloc, modele.Chiffres):
        return {"genre": genre, "chiffres": [vars(c) for c in bloc.chiffres]}
    return {"genre": genre, "termes": [[_bouts(modele.mots(t)), _bouts(modele.mots(d))] for t, d in bloc.termes]}
