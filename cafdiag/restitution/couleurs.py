"""Les couleurs de la maison : peu, toujours les mêmes, sûres pour les daltoniens.

Le territoire a partout la même couleur, la France partout le même gris. Le texte tient le contraste AA
(4,5), les surfaces qui portent un sens tiennent 3 sur le blanc ou sont bordées.
"""

from __future__ import annotations

import math
import re

from cafdiag.erreurs import DemandeFausse

BLANC = "#ffffff"
ENCRE = "#1b2430"
ENCRE_2 = "#51606f"
FOND_DOUX = "#f3f6f8"

TERRITOIRE = "#0d4a7c"
DEPARTEMENT = "#6d97bd"
REGION = "#a9bccd"
FRANCE = "#767c82"
REFERENCES = {"departement": DEPARTEMENT, "region": REGION, "france": FRANCE}

# Du clair au foncé, une seule teinte : l'ordre se lit même en noir et blanc.
SEQUENTIELLE = ("#ecf4f4", "#bcd8da", "#87b9be", "#4f949d", "#1f6b78", "#073f4c")
# Brun (sous la référence) vers bleu-vert (au-dessus) : BrBG de ColorBrewer, lisible par les daltoniens.
DIVERGENTE = ("#8c510a", "#d8b365", "#f6e8c3", "#c7eae5", "#5ab4ac", "#01665e")

SANS_DONNEE = "#8a929a"
HORS_CHAMP = "#eceff1"
VOISIN = "#f8f9f9"

# Clair et foncé alternent : deux modes qui se touchent se distinguent sans la teinte.
MODES = {
    "PE_TXCOUV_EAJE": ("Accueil collectif (EAJE)", "#0d4a7c"),
    "PE_TXCOUV_AM": ("Assistants maternels", "#d98a00"),
    "PE_TXCOUV_PRESCO": ("École à 2 ans", "#7f3f87"),
    "PE_TXCOUV_GAD": ("Garde à domicile", "#5a9e7c"),
}

STATUTS = {
    "exact": ENCRE,
    "estime": "#7a4b00",
    "arrondi": "#7a4b00",
    "secret": "#6b3f75",
    "non_disponible": "#59636e",
    "sans_objet": "#59636e",
}

# (couleur, forme) : la forme double la couleur, pour qui ne la voit pas.
STRUCTURES = {
    "eaje": ("Établissement d'accueil du jeune enfant", "#0d4a7c", "rond"),
    "micro_creche": ("Micro-crèche", "#3f86c4", "rond"),
    "rpe": ("Relais petite enfance", "#9a5b00", "losange"),
    "laep": ("Lieu d'accueil enfants-parents", "#7f3f87", "losange"),
    "alsh": ("Accueil de loisirs", "#2e7d57", "triangle"),
    "centre_social": ("Centre social", "#b3261e", "carre"),
    "evs": ("Espace de vie sociale", "#d1495b", "rond"),
    "france_services": ("France services", "#4a5560", "croix"),
    "ecole": ("École", "#5f6b2d", "triangle"),
}
FORMES = ("rond", "carre", "triangle", "losange", "croix")


def _composantes(couleur: str) -> tuple[float, float, float]:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", couleur):
        raise DemandeFausse(f"couleur « {couleur} »", attendu="six chiffres hexadécimaux, ex. #0d4a7c")
    rouge, vert, bleu = (int(couleur[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return rouge, vert, bleu


def luminance(couleur: str) -> float:
    """Luminance relative (WCAG 2.2), de 0 (noir) à 1 (blanc).

    Examples
    --------
    >>> luminance("#000000"), luminance("#ffffff")
    (0.0, 1.0)
    """
    lineaires = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _composantes(couleur)]
    return round(0.2126 * lineaires[0] + 0.7152 * lineaires[1] + 0.0722 * lineaires[2], 12)


def contraste(une: str, autre: str) -> float:
    """Rapport de contraste (WCAG 2.2), de 1 à 21 : 4,5 pour un texte, 3 pour un signe.

    Examples
    --------
    >>> contraste("#000000", "#ffffff")
    21.0
    """
    claire, foncee = sorted((luminance(une), luminance(autre)), reverse=True)
    return (claire + 0.05) / (foncee + 0.05)


def encre_sur(fond: str) -> str:
    """La plus lisible des deux encres (blanche ou foncée) sur ce fond.

    Examples
    --------
    >>> encre_sur("#0d4a7c"), encre_sur("#f6e8c3")
    ('#ffffff', '#1b2430')
    """
    return max((BLANC, ENCRE), key=lambda encre: contraste(encre, fond))


def melange(couleur: str, opacite: float, *, fond: str = BLANC) -> str:
    """La couleur que l'on voit quand `couleur` est posée sur `fond` avec cette opacité.

    Examples
    --------
    >>> melange("#000000", 0.5), melange("#0d4a7c", 1)
    ('#808080', '#0d4a7c')
    """
    paires = zip(_composantes(couleur), _composantes(fond), strict=True)
    return "#" + "".join(f"{math.floor(255 * (opacite * c + (1 - opacite) * f) + 0.5):02x}" for c, f in paires)


def palette(nombre: int, *, divergente: bool = False) -> tuple[str, ...]:
    """`nombre` couleurs ordonnées, prises de façon régulière dans la palette de la maison.

    Examples
    --------
    >>> palette(2)
    ('#ecf4f4', '#073f4c')
    """
    source = DIVERGENTE if divergente else SEQUENTIELLE
    if not 1 <= nombre <= len(source):
        raise DemandeFausse(f"{nombre} classes demandées", attendu=f"de 1 à {len(source)}")
    if nombre == 1:
        return (source[len(source) // 2],)
    return tuple(source[round(i * (len(source) - 1) / (nombre - 1))] for i in range(nombre))


def structure(type_: str) -> tuple[str, str, str]:
    """Libellé, couleur et forme d'un type de structure ; un type inconnu est un rond gris.

    Examples
    --------
    >>> structure("centre_social")[2], structure("ludotheque")
    ('carre', ('Ludotheque', '#51606f', 'rond'))
    """
    inconnu = (type_.replace("_", " ").capitalize(), ENCRE_2, "rond")
    return STRUCTURES.get(type_, inconnu)
