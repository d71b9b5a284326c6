"""Du SVG au PNG, par Typst : la même image partout, sans navigateur ; et la place qu'y prend un texte."""

from __future__ import annotations

import html
import re
import struct
import zlib
from functools import lru_cache
from pathlib import Path

from cafdiag.erreurs import CafdiagError

# Livrées par des dépendances, jamais prises au système : la page et ses octets sont les mêmes partout. Arimo a
# les largeurs d'Arial, sur lesquelles les légendes sont coupées ; DejaVu (de matplotlib) a les signes rares.
POLICES = ("Arimo", "DejaVu Sans")
_PAGE = """#set page(width: {largeur}cm, height: auto, margin: 0pt, fill: white)
#set text(font: ({polices}))
#image(bytes(sys.inputs.dessin), width: 100%, format: "svg")
"""
# Le mot sous lequel une image PNG porte sa description, à la norme du format.
_MOT_PNG = b"Description"
_SIGNATURE_PNG = b"\x89PNG\r\n\x1a\n"
# Largeurs de Helvetica (et d'Arial, de Liberation Sans), en fraction du corps.
_ETROITES = dict.fromkeys("iljI.,;:!|'’ \u00a0\u202ft()[]f/r-", 0.3)
_LARGES = dict.fromkeys("mwMW%@—", 0.86)


@lru_cache(maxsize=1)
def polices():
    """Les polices livrées avec les dépendances, et elles seules ; cherchées une fois."""
    import fontpkg
    import matplotlib
    import typst

    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[Path(fontpkg.path("Arimo")).parent, Path(matplotlib.get_data_path()) / "fonts" / "ttf"],
    )


def nettoyer(svg: str) -> str:
    """Un SVG que Typst rend comme le navigateur : polices nommées, et non « celle du système ».

    >>> nettoyer('<svg style="font-family: system-ui, sans-serif">').count("Arimo")
    1
    """
    noms = ", ".join(f"'{p}'" for p in POLICES)
    svg = re.sub(r'font-family="[^"]*"', f'font-family="{noms}"', svg)
    svg = re.sub(r"system-ui, [^;\"]*?sans-serif", noms, svg)
    return svg


def png(svg: str, *, largeur_cm: float, ppp: int = 200) -> bytes:
    """Une image PNG d'un dessin SVG, sur fond blanc.

    Parameters
    ----------
    svg : str
        Le dessin.
    largeur_cm : float
        Largeur imprimée.
    ppp : int
        Points par pouce.

    Examples
    --------
    >>> png('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>', largeur_cm=2.54, ppp=50)[:4]
    b'\\x89PNG'
    """
    import typst

    source = _PAGE.format(largeur=largeur_cm, polices=", ".join(f'"{p}"' for p in POLICES))
    image = typst.compile(
        source.encode("utf-8"),
        format="png",
        ppi=float(ppp),
        font_paths=polices(),
        sys_inputs={"dessin": nettoyer(svg)},
    )
    dite = re.search(r"<desc[^>]*>(.*?)</desc>", svg, re.S)
    return decrire(image, html.unescape(dite[1]).strip()) if dite else image


def decrire(image: bytes, description: str) -> bytes:
    """La même image, qui porte sa description : une aide au lecteur d'écran, et à qui vérifie un dossier.

    Examples
    --------
    >>> morceau = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    >>> description_de(decrire(_SIGNATURE_PNG + bytes(25) + morceau, "Où vivent les enfants"))
    'Où vivent les enfants'
    """
    contenu = _MOT_PNG + b"\0\0\0\0\0" + description.encode("utf-8")
    morceau = struct.pack(">I", len(contenu)) + b"iTXt" + contenu + struct.pack(">I", zlib.crc32(b"iTXt" + contenu))
    # L'en-tête tient toujours en 25 octets après la signature.
    coupe = len(_SIGNATURE_PNG) + 25
    return image[:coupe] + morceau + image[coupe:]


def description_de(image: bytes) -> str:
    """La description d'une image, vide si elle n'en porte pas.

    Raises
    ------
    ValueError
        Ce n'est pas une image PNG, ou elle est coupée.
    """
    if not image.startswith(_SIGNATURE_PNG):
        raise CafdiagError("ce n'est pas une image PNG")
    rang = len(_SIGNATURE_PNG) + 25
    while rang + 12 <= len(image):
        longueur, genre = struct.unpack(">I4s", image[rang : rang + 8])
        contenu = image[rang + 8 : rang + 8 + longueur]
        if len(contenu) < longueur:
            raise CafdiagError("image PNG coupée")
        if genre == b"iTXt" and contenu.startswith(_MOT_PNG + b"\0"):
            return contenu[len(_MOT_PNG) + 5 :].decode("utf-8")
        rang += 12 + longueur
    return ""


def largeur_du_texte(mots: str, taille: float, *, gras: bool = False) -> float:
    """Largeur approchée d'un texte sans empattement, en pixels.

    Examples
    --------
    >>> largeur_du_texte("ill", 10) < largeur_du_texte("mmm", 10)
    True
    """
    somme = sum(_ETROITES.get(c) or _LARGES.get(c) or (0.69 if c.isupper() else 0.545) for c in mots)
    return somme * taille * (1.06 if gras else 1.0)


def couper(mots: str, taille: float, largeur: float, *, gras: bool = False) -> list[str]:
    """Coupe un texte en lignes, aux espaces sécables.

    Examples
    --------
    >>> couper("un deux trois", 10, 45)
    ['un deux', 'trois']
    """
    lignes: list[str] = []
    for mot in mots.split(" "):
        essai = f"{lignes[-1]} {mot}" if lignes else mot
        if lignes and largeur_du_texte(essai, taille, gras=gras) <= largeur:
            lignes[-1] = essai
        else:
            lignes.append(mot)
    return lignes
