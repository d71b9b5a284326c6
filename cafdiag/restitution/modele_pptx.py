"""Le modèle de diapositives : celui de la Caf, contrôlé avant tout calcul, ou le nôtre, sobre."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cafdiag.erreurs import EntreeFautive, en_clair, fichier_illisible
from cafdiag.restitution import couleurs

ATTENDU = "un modèle PowerPoint (.pptx ou .potx) avec au moins une mise en page à titre"
CONSEIL = "ouvrez-le dans PowerPoint et enregistrez-le en .potx, ou produisez sans --modele"
OCTETS_MAXIMUM = 30_000_000
DEPLIES_MAXIMUM = 300_000_000
_PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_GABARIT = _PRESENTATION.replace(".presentation.main", ".template.main")
_TYPES = "[Content_Types].xml"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_POUCE = 914400
# Listes de diapositives d'un modèle (sections, diaporamas) : elles nommeraient des diapositives ôtées.
_LISTES = ("sectionLst", "custShowLst")


@dataclass(frozen=True)
class Zone:
    """Où écrire sous le titre, en unités de PowerPoint."""

    gauche: int
    haut: int
    largeur: int
    hauteur: int


@dataclass(frozen=True)
class Gabarit:
    """Une présentation vide et ses mises en page choisies.

    Attributes
    ----------
    presentation : pptx.presentation.Presentation
    couverture, contenu : pptx.slide.SlideLayout
    zone : Zone
    numero : element or None
        Le numéro de page de la mise en page, à recopier.
    """

    presentation: Any
    couverture: Any
    contenu: Any
    zone: Zone
    numero: Any

    def corps(self, forme: Any, mise: Any, defaut: int) -> int:
        """Le corps, en points, qu'un cadre hérite de sa mise en page puis de son masque."""
        idx = forme.placeholder_format.idx if forme.is_placeholder else None
        heritees = [p._element for p in mise.placeholders if p.placeholder_format.idx == idx]
        masque = mise.slide_master
        if idx == 0:
            heritees += [p._element for p in masque.placeholders if p.placeholder_format.type in (1, 3)]
            heritees += masque._element.findall(f"{_P}txStyles/{_P}titleStyle")
        for element in heritees:
            for style in element.iter(f"{_A}lvl1pPr"):
                defini = style.find(f"{_A}defRPr")
                if defini is not None and defini.get("sz"):
                    return int(defini.get("sz")) // 100
        return defaut


def lire_modele(chemin: str | Path) -> bytes:
    """Lit et contrôle le modèle de la Caf.

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, abîmé, d'un autre format, à macros, ou sans mise en page à titre.

    Examples
    --------
    >>> import tempfile
    >>> vide = Path(tempfile.mkdtemp()) / "modele.potx"
    >>> _ = vide.write_bytes(b"")
    >>> try:
    ...     lire_modele(vide)
    ... except EntreeFautive as faute:
    ...     print(faute.defauts)
    ['fichier vide']
    """
    chemin = Path(chemin)
    try:
        octets = chemin.read_bytes()
    except OSError as cause:
        raise fichier_illisible(chemin, cause, attendu=ATTENDU) from cause
    if defaut := _defaut_du_contenant(octets):
        raise EntreeFautive(chemin.name, [defaut], attendu=ATTENDU, conseil=CONSEIL)
    try:
        ouvrir(octets)
    except EntreeFautive as faute:
        raise EntreeFautive(chemin.name, faute.defauts, attendu=ATTENDU, conseil=CONSEIL) from faute
    # Un modèle abîmé fait échouer python-pptx ou lxml de vingt façons : toutes valent un refus.
    except Exception as cause:
        raise EntreeFautive(
            chemin.name, [f"modèle abîmé ({en_clair(cause)})"], attendu=ATTENDU, conseil=CONSEIL
        ) from cause
    return octets


def _defaut_du_contenant(octets: bytes) -> str:
    """Pourquoi ces octets ne sont pas une présentation ; vide s'ils en sont une."""
    if not octets:
        return "fichier vide"
    if len(octets) > OCTETS_MAXIMUM:
        return f"fichier de plus de {OCTETS_MAXIMUM // 1_000_000} Mo"
    if octets.startswith(b"\xd0\xcf\x11\xe0"):
        return "ancien format .ppt, ou fichier protégé par un mot de passe"
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            noms = archive.namelist()
            if sum(e.file_size for e in archive.infolist()) > DEPLIES_MAXIMUM:
                return "fichier trop gros une fois déplié"
            types = archive.read(_TYPES).decode("utf-8", "replace") if _TYPES in noms else ""
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as cause:
        return f"ce n'est ni un pptx ni un potx, ou il est abîmé ({en_clair(cause)})"
    if "macroEnabled" in types:
        return "modèle à macros"
    if _PRESENTATION not in types and _GABARIT not in types:
        return "c'est une archive, mais pas une présentation"
    return ""


def ouvrir(modele: bytes = b"") -> Gabarit:
    """Une présentation sans diapositive, prête à écrire : du modèle, ou de la nôtre s'il est vide.

    Raises
    ------
    EntreeFautive
        Aucune mise en page, ou aucune à titre.
    """
    from pptx import Presentation

    presentation = Presentation(io.BytesIO(_en_pptx(modele))) if modele else _sobre(Presentation())
    _vider(presentation)
    mises = [m for masque in presentation.slide_masters for m in masque.slide_layouts]
    titrees = [m for m in mises if _titre(m) is not None]
    if not titrees:
        raison = "aucune de ses mises en page n'a de titre" if mises else "il n'a aucune mise en page"
        raise EntreeFautive("modèle", [raison], attendu=ATTENDU, conseil=CONSEIL)
    par_genre = {m._element.get("type"): m for m in reversed(titrees)}
    contenu = par_genre.get("obj") or par_genre.get("titleOnly") or titrees[-1]
    couverture = par_genre.get("title") or contenu
    numero = next((p._element for p in contenu.placeholders if p.placeholder_format.type == 13), None)
    return Gabarit(presentation, couverture, contenu, _zone(presentation, contenu), numero)


def _titre(mise: Any) -> Any:
    return next((p for p in mise.placeholders if p.placeholder_format.idx == 0), None)


def _zone(presentation: Any, mise: Any) -> Zone:
    """La place du contenu : son cadre s'il y en a un, sinon sous le titre et au-dessus du pied de page."""
    large, haut = presentation.slide_width, presentation.slide_height
    titre = _titre(mise)
    contenus = [p for p in mise.placeholders if p.placeholder_format.type in (2, 7) and None not in _cadre(p)]
    if contenus:
        x, y, largeur, hauteur = max((_cadre(p) for p in contenus), key=lambda c: c[2] * c[3])
        if largeur > large * 0.4 and hauteur > haut * 0.35:
            return Zone(x, y, largeur, hauteur)
    x, y, largeur, hauteur = _cadre(titre)
    if None in (x, y, largeur, hauteur):
        x, y, largeur, hauteur = large // 20, haut // 20, large * 9 // 10, haut // 7
    pieds = [p.top for p in mise.placeholders if p.placeholder_format.type in (13, 15, 16) and p.top]
    bas = min([p for p in pieds if p > haut * 0.7], default=haut * 94 // 100)
    sous = y + hauteur + haut // 50
    if sous > haut * 0.6:
        # Un titre posé en bas : on écrit au-dessus.
        sous, bas = haut // 20, y
    return Zone(x, sous, largeur, bas - sous)


def _cadre(forme: Any) -> tuple[int, int, int, int]:
    return forme.left, forme.top, forme.width, forme.height


def _en_pptx(octets: bytes) -> bytes:
    """Un potx est un pptx qui se dit modèle : python-pptx n'ouvre que le second."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        parties = {nom: archive.read(nom) for nom in archive.namelist()}
    types = parties[_TYPES].decode("utf-8")
    if _GABARIT not in types:
        return octets
    parties[_TYPES] = types.replace(_GABARIT, _PRESENTATION).encode("utf-8")
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        for nom, contenu in parties.items():
            archive.writestr(nom, contenu)
    return tampon.getvalue()


def _vider(presentation: Any) -> None:
    """Ôte les diapositives d'exemple du modèle, les listes qui les nomment, et la vignette qui les montre."""
    racine, liens = presentation.part._element, presentation.part.package._rels
    for cle in [cle for cle, lien in liens.items() if lien.reltype.endswith("/thumbnail")]:
        liens.pop(cle)
    for diapositive in list(presentation.slides._sldIdLst):
        presentation.part.drop_rel(diapositive.rId)
        presentation.slides._sldIdLst.remove(diapositive)
    for element in list(racine.iter()):
        if not isinstance(element.tag, str) or element.tag.rpartition("}")[2] not in _LISTES:
            continue
        parent = element.getparent()
        parent.remove(element)
        if parent.tag == f"{_P}ext":
            parent.getparent().remove(parent)
    vides = [e for e in racine.findall(f"{_P}extLst") if not len(e)]
    for vide in vides:
        racine.remove(vide)


def _sobre(presentation: Any) -> Any:
    """Le modèle livré avec python-pptx, en 16:9, aux polices et aux couleurs de la maison, deux mises en page."""
    from pptx.util import Emu

    presentation.slide_width, presentation.slide_height = Emu(int(13.333 * _POUCE)), Emu(int(7.5 * _POUCE))
    for mise in list(presentation.slide_layouts):
        if mise._element.get("type") not in ("title", "titleOnly"):
            presentation.slide_layouts.remove(mise)
    masque = presentation.slide_master
    for partie in presentation.part.package.iter_parts():
        if str(partie.partname).startswith("/ppt/theme/"):
            partie._blob = _aux_couleurs(partie.blob)
    # Par genre de cadre : titre, corps, numéro de page, date, pied ; en pouces.
    cadres = {
        1: (0.6, 0.4, 12.1, 1.15),
        2: (0.6, 1.7, 12.1, 4.9),
        13: (11.7, 6.95, 1.0, 0.35),
        16: (0.6, 6.95, 2, 0.35),
        15: (4, 6.95, 5, 0.35),
    }
    for cadre in masque.placeholders:
        _placer(cadre, cadres[int(cadre.placeholder_format.type)])
    style = masque._element.find(f"{_P}txStyles/{_P}titleStyle/{_A}lvl1pPr")
    style.set("algn", "l")
    style.find(f"{_A}defRPr").set("sz", "2800")
    style.find(f"{_A}defRPr").set("b", "1")
    for couleur in style.iter(f"{_A}schemeClr"):
        couleur.set("val", "accent1")
    for mise in presentation.slide_layouts:
        for cadre in mise.placeholders:
            genre = int(cadre.placeholder_format.type)
            if genre == 3:
                _placer(cadre, (0.9, 2.2, 11.5, 1.5))
                listes = cadre._element.find(f"{_P}txBody/{_A}lstStyle")
                niveau = listes.makeelement(f"{_A}lvl1pPr", {})
                niveau.append(niveau.makeelement(f"{_A}defRPr", {"sz": "4000"}))
                listes.insert(0, niveau)
            elif genre == 4:
                _placer(cadre, (0.9, 3.9, 11.5, 2.2))
                for niveau in cadre._element.iter(f"{_A}lvl1pPr"):
                    niveau.set("algn", "l")
                    niveau.find(f"{_A}defRPr").set("sz", "2000")
            elif genre in cadres and genre != 1:
                _placer(cadre, cadres[genre])
    return presentation


def _placer(cadre: Any, pouces: tuple[float, float, float, float]) -> None:
    from pptx.util import Emu

    cadre.left, cadre.top, cadre.width, cadre.height = (Emu(int(p * _POUCE)) for p in pouces)


def _aux_couleurs(theme: bytes) -> bytes:
    """Le thème en Arial, ses accents aux couleurs de la maison."""
    xml = theme.decode("utf-8")
    xml = re.sub(r'(<a:(?:major|minor)Font>\s*<a:latin typeface=)"[^"]*"', r'\1"Arial"', xml)
    teintes = (couleurs.TERRITOIRE, couleurs.DEPARTEMENT, couleurs.REGION, couleurs.FRANCE)
    for rang, teinte in enumerate(teintes, 1):
        neuve = rf'\1<a:srgbClr val="{teinte[1:].upper()}"/>\2'
        xml = re.sub(rf"(<a:accent{rang}>).*?(</a:accent{rang}>)", neuve, xml, flags=re.S)
    return xml.encode("utf-8")
