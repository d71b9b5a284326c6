"""La note mise en pages : une page HTML et un PDF A4, du même contenu, sans rien qui nomme l'outil."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2

from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.magasin import dossier
from cafdiag.restitution.carte import CLEF_DES_COMMUNES, CLEF_DES_TAUX, Carte
from cafdiag.restitution.carte_fixe import breve, carte_statique
from cafdiag.restitution.formats import ponctuer
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.images import POLICES, nettoyer, polices
from cafdiag.restitution.note_tableaux import nombre_de_mots, raccourci
from cafdiag.restitution.rendu_html import phrase_html

PAGE, GABARIT, STYLE = "note.html.j2", "note.typ", "note.css"
LARGEUR_DE_LA_CARTE = 470
_ENTIERS = re.compile(r"\b(?:\d{4}-\d{4}|[^\W\d]+-(?:ils?|elles?|on))\b")
_PLACES = "Places d'accueil pour 100 enfants"
# De quoi rester sous 1 400 mots sur le papier, où il s'en lit de dix à soixante-dix de moins, selon ses dessins ; ce
# qui s'ajoute aux textes de la note :
# le numéro et le pied de quatre pages, les titres fixes, ce qui contredit chaque enjeu.
MOTS, PAGES, FIXES, PAR_ENJEU = 1400, 4, 23, 7


def rendre_note(
    contenu: Mapping[str, Any], cartes: Sequence[Carte], identite: Identite
) -> tuple[str, bytes]:
    """La page HTML et le PDF d'une note.

    Parameters
    ----------
    contenu : mapping
        :func:`cafdiag.restitution.note.contenu`.
    cartes : sequence of Carte
        Les cartes du carnet : la note prend celle des taux et celle des communes.
    identite : Identite

    Raises
    ------
    ProductionImpossible
        Gabarit absent ou abîmé.
    """
    taux, communes = carte_de(cartes, CLEF_DES_TAUX), carte_de(cartes, CLEF_DES_COMMUNES)
    unite = ". ".join(t for t in (_PLACES, contenu["couleur"]) if t)
    une = _carte(taux, contenu, contenu["carte"], unite) if taux and contenu["carte"] else None
    des_communes = _carte(communes, contenu, contenu["communes"], "") if communes else None
    vues = {"une": une or des_communes, "communes": des_communes if une else None}
    tenu = _tenu(contenu, vues, identite)
    return _page(tenu, vues, identite), _pdf(tenu, vues, identite)


def _tenu(contenu: Mapping[str, Any], vues: Mapping[str, Any], identite: Identite) -> dict[str, Any]:
    """La note et ceux de ses tableaux qui tiennent dans son compte de mots ; les notes d'un tableau ôté aussi."""
    dite = {c: v for c, v in contenu.items() if c not in ("copil", "perspectives", "tableaux")}
    pied = f"{identite.caf} · {identite.contact}" if identite.caf or identite.contact else contenu["titre"]
    autour = FIXES + PAR_ENJEU * len(dite["enjeux"])
    autour += (PAGES + 2) * nombre_de_mots(pied) + 2 * nombre_de_mots(identite.date)
    tableaux, reste = {}, MOTS - autour - nombre_de_mots(dite) - nombre_de_mots(vues)
    for nom, tableau in contenu["tableaux"].items():
        tableaux[nom] = raccourci(tableau, reste)
        reste -= nombre_de_mots(tableaux[nom])
    dite["tableaux"] = tableaux
    appelees = sorted(set(_appels(dite)))
    rangs = {ancien: neuf for neuf, ancien in enumerate(appelees, 1)}
    return _renumeroter(dite, rangs) | {"notes": [contenu["notes"][n - 1] for n in appelees]}


def _appels(dit: Any) -> Iterator[int]:
    """Les numéros des notes appelées, où qu'elles le soient."""
    for clef, valeur in dit.items() if isinstance(dit, Mapping) else enumerate(dit if isinstance(dit, list) else ()):
        yield from (n for n in valeur if isinstance(n, int)) if clef == "notes" else _appels(valeur)


def _renumeroter(dit: Any, rangs: Mapping[int, int]) -> Any:
    if isinstance(dit, Mapping):
        return {
            c: [rangs.get(n, n) for n in v] if c == "notes" else _renumeroter(v, rangs) for c, v in dit.items()
        }
    return [_renumeroter(v, rangs) for v in dit] if isinstance(dit, list) else dit


def carte_de(cartes: Sequence[Carte], clef: str) -> Carte | None:
    """La carte qui porte cette clef, parmi celles du rapport."""
    return next((c for c in cartes if c.clef == clef), None)


def _carte(carte: Carte, contenu: Mapping[str, Any], titre: str, unite: str) -> dict[str, Any]:
    """La vue seule, et sa légende en mots : les classes présentes, leurs bornes, le territoire."""
    image = carte_statique(carte, largeur=LARGEUR_DE_LA_CARTE, legende=False)
    elements: list[dict[str, str]] = []
    for rang, vignette in enumerate(v for bloc in breve(carte.legendes_montrees) for v in bloc.elements):
        mots = vignette.libelle.replace(contenu["nom"], contenu["titre"])
        elements.append({"svg": vignette.seule(f"-{carte.clef}-{rang}"), "texte": mots})
    return {
        "titre": titre,
        "svg": image.svg,
        "alternative": image.texte,
        "legende": elements,
        "unite": unite or image.sous_titre,
        "source": image.source.partition(" Contours")[0].removeprefix("Source : "),
    }


def _page(contenu: Mapping[str, Any], vues: dict, identite: Identite) -> str:
    ou = dossier("templates") / "rapport"
    environnement = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ou), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environnement.filters |= {"phrase": _phrase, "renvois": _renvois}
    try:
        modele = environnement.get_template(PAGE)
        style = (ou / STYLE).read_text(encoding="utf-8")
        return modele.render(note=contenu, vues=vues, identite=identite, style=style)
    except (jinja2.TemplateError, OSError, UnicodeDecodeError) as cause:
        raise _abime(PAGE, cause) from cause


def _phrase(texte: str) -> str:
    """Une phrase en HTML, où « répond-il » et « 2018-2020 » ne se coupent pas."""
    return _ENTIERS.sub(r'<span class="uni">\g<0></span>', phrase_html(texte))


def _renvois(numeros: list[int]) -> str:
    """Les appels de notes d'une phrase, en HTML."""
    liens = ", ".join(f'<a href="#note-{n}" aria-label="note {n}">{n}</a>' for n in numeros)
    return f"<sup>{liens}</sup>" if liens else ""


def _pdf(contenu: Mapping[str, Any], vues: dict, identite: Identite) -> bytes:
    import typst

    fichier = dossier("templates") / "rapport" / GABARIT
    type_logo = identite.type_logo.removeprefix("image/").replace("jpeg", "jpg")
    propre = _ponctuer(dict(contenu)) | {
        "vues": {c: _nettoyer(v) for c, v in vues.items()},
        "identite": vars(identite) | {"logo": list(identite.logo), "type_logo": type_logo},
    }
    try:
        return typst.compile(
            fichier.read_bytes(),
            format="pdf",
            font_paths=polices(),
            sys_inputs={"note": json.dumps(propre, ensure_ascii=False), "polices": json.dumps(POLICES)},
            pdf_standards=["ua-1"],
        )
    except (OSError, typst.TypstError) as cause:
        raise _abime(GABARIT, cause) from cause


def _ponctuer(objet: Any) -> Any:
    """Espaces insécables partout où la page en a ; un dessin n'est pas un texte."""
    if isinstance(objet, str):
        return objet if objet.startswith("<svg") else ponctuer(objet)
    if isinstance(objet, dict):
        return {c: nettoyer(v) if c == "svg" else _ponctuer(v) for c, v in objet.items()}
    return [_ponctuer(v) for v in objet] if isinstance(objet, list) else objet


def _nettoyer(carte: dict | None) -> dict | None:
    if carte is None:
        return None
    legende = [e | {"svg": nettoyer(html.unescape(e["svg"]))} for e in carte["legende"]]
    return _ponctuer(carte) | {"legende": legende}


def _abime(nom: str, cause: Exception) -> ProductionImpossible:
    return ProductionImpossible(
        f"la note n'a pas pu être composée ({en_clair(cause)})",
        attendu=f"templates/rapport/{nom}, tel que livré",
        conseil="retéléchargez le projet, ou demandez les autres formats",
    )
