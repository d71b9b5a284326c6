"""Ce que des valeurs deviennent sur une carte : classes, couleurs ou rayons, infobulles, légende, phrases, tableau.

Un manquant n'est jamais rangé. Quand les mailles s'emboîtent (EPCI, département, région), les classes se donnent en
rapport à une référence fixe : une couleur veut dire la même chose sur toutes les cartes. Sinon, des quantiles.
Aucun contour ici : la même peinture sert à une carte entière et à repeindre une carte déjà dessinée.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs, fiches
from cafdiag.restitution.carte import Legende, ValeursDeCarte, Vignette
from cafdiag.restitution.couleurs import ENCRE_2
from cafdiag.restitution.echappement import est_vide, html_sur
from cafdiag.restitution.fiches import SANS_CLASSE
from cafdiag.restitution.formats import (
    FINE,
    FOIS_LA_FRANCE,
    INSECABLE,
    arrondir,
    cle_de_tri,
    decimales_de,
    enumeration,
    nombre,
    pluriel,
    statut,
)

if TYPE_CHECKING:
    import pandas as pd

RAPPORTS = (0.60, 0.85, 1.0, 1.15, 1.40)
CHOIX = ("auto", "france", "territoire")
# Au-delà, une carte rapportée à la France serait d'une seule couleur ou presque.
_TROP_UNIE = 2 / 3


@dataclass(frozen=True)
class Classes:
    """Des classes `[bornes[i], bornes[i+1][`, la dernière fermée, avec couleur et étiquette.

    `bornes` va du minimum au maximum observés (ou au-delà) : aucune valeur ne tombe dehors. Une valeur se range
    telle qu'elle s'écrit, à `places` décimales : 51,76 s'écrit 51,8 et tombe dans « 51,8 à 60,9 ».
    """

    bornes: tuple[float, ...]
    couleurs: tuple[str, ...]
    etiquettes: tuple[str, ...]
    reference: float | None = None
    places: int = 1
    unite: str | None = None
    choix: str = "territoire"

    def __len__(self) -> int:
        return len(self.couleurs)

    def indices(self, valeurs: Iterable) -> np.ndarray:
        """Rang de la classe de chaque valeur ; ``-1`` pour un manquant.

        Raises
        ------
        DemandeFausse
            Une valeur est hors des bornes : les classes ont été faites pour d'autres valeurs.
        """
        nombres = _ecrites(_nombres(valeurs), self.places, self.unite)
        connues = ~np.isnan(nombres)
        hors = connues & ((nombres < self.bornes[0]) | (nombres > self.bornes[-1]))
        if hors.any():
            raise DemandeFausse(
                f"la valeur {nombre(float(nombres[hors][0]), decimales=2)} est hors des classes",
                attendu=f"de {self.bornes[0]} à {self.bornes[-1]}",
            )
        rangs = np.full(len(nombres), SANS_CLASSE, dtype=int)
        rangs[connues] = np.searchsorted(self.bornes[1:-1], nombres[connues], side="right")
        return rangs


def _nombres(valeurs: Iterable) -> np.ndarray:
    import pandas as pd

    serie = pd.Series(list(valeurs), dtype="object")
    return pd.to_numeric(serie, errors="raise").astype("float64").to_numpy()


def _observees(valeurs: Iterable, places: int, unite: str | None) -> np.ndarray:
    nombres = _nombres(valeurs)
    return _ecrites(nombres[np.isfinite(nombres)], places, unite)


def _ecrites(nombres: np.ndarray, places: int, unite: str | None) -> np.ndarray:
    """Les valeurs comme :func:`nombre` les écrit ; une part infime, « moins de 0,1 », vaut la moitié de 0,1."""
    pas = 10.0**-places
    rendus = np.array([float(arrondir(v, places)) if np.isfinite(v) else v for v in nombres.tolist()], dtype=float)
    if unite == "%":
        rendus = np.where((rendus == 100) & (np.round(nombres, 6) < 100), float(arrondir(100 - pas, places)), rendus)
        rendus = np.where((rendus == 0) & (np.round(nombres, 6) > 0), pas / 2, rendus)
    # Un « −0,0 » est un zéro.
    return rendus + 0.0


def bandes(
    valeurs: Iterable,
    *,
    reference: float,
    nom_reference: str = "la France",
    rapports: Sequence[float] = RAPPORTS,
    unite: str | None = None,
    decimales: int | None = None,
) -> Classes:
    """Classes en rapport à une référence : « de 0,85 à 1 fois la France ».

    Parameters
    ----------
    valeurs : iterable of float
        Les valeurs à peindre ; les manquants sont ignorés et ne seront pas classés.
    reference : float
        Valeur de la référence, strictement positive.
    nom_reference : str
        Avec son article : « la France », « la Mayenne ».
    rapports : sequence of float
        Seuils croissants, en multiples de la référence.

    Raises
    ------
    DemandeFausse
        Référence absente ou négative, seuils non croissants.

    Examples
    --------
    >>> classes = bandes([40, 79.9, float("nan")], reference=60.9)
    >>> classes.etiquettes[2].replace("\\u202f", " ").replace("\\u00a0", " ")
    'de 0,85 à 1 fois la France (51,8 à 60,9)'
    >>> classes.indices([40, 79.9, float("nan")]).tolist()
    [1, 4, -1]
    """
    if not np.isfinite(reference) or reference <= 0:
        raise DemandeFausse(
            f"référence {reference}",
            attendu="un nombre strictement positif",
            conseil="employez des quantiles",
        )
    if list(rapports) != sorted(set(rapports)) or not len(rapports):
        raise DemandeFausse(f"rapports {tuple(rapports)}", attendu="des seuils strictement croissants")
    places = decimales_de(unite) if decimales is None else decimales
    # Une petite référence : deux seuils qui s'écriraient pareil demandent une décimale de plus.
    while len(distincts := {float(arrondir(reference * r, places)) for r in rapports}) < len(rapports):
        places += 1
    seuils = sorted(distincts)
    observees = _observees(valeurs, places, unite)
    bas = min([*observees, seuils[0], 0.0])
    haut = max([*observees, seuils[-1]])
    dit = [nombre(s, decimales=places) for s in seuils]
    fois = [nombre(r, decimales=_decimales_utiles(r)) for r in rapports]
    suite = f"fois {nom_reference}"
    valant = [f"moins de {dit[0]}", *(f"{a} à {b}" for a, b in pairwise(dit)), f"{dit[-1]} et plus"]
    # Un rapport à la référence dit déjà ses bornes.
    valant = [f" ({v})" if unite != FOIS_LA_FRANCE else "" for v in valant]
    etiquettes = [f"moins de {fois[0]} {suite}{valant[0]}"]
    etiquettes += [f"de {a} à {b} {suite}{v}" for (a, b), v in zip(pairwise(fois), valant[1:-1], strict=True)]
    etiquettes.append(f"{fois[-1]} {suite} ou plus{valant[-1]}")
    return Classes(
        (float(bas), *seuils, float(haut)),
        couleurs.palette(len(seuils) + 1, divergente=True),
        tuple(_insecable(e) for e in etiquettes),
        reference=float(reference),
        places=places,
        unite=unite,
        choix="france",
    )


def classements(
    valeurs: Iterable,
    *,
    choix: str = "auto",
    reference: float | None = None,
    nom_reference: str = "la France",
    unite: str | None = None,
    decimales: int | None = None,
) -> tuple[Classes, ...]:
    """Les façons de ranger ces valeurs, celle à montrer d'abord : le seul endroit qui en décide.

    Parameters
    ----------
    valeurs : iterable of float
        Les valeurs à peindre ; les manquants sont ignorés.
    choix : {"auto", "france", "territoire"}
        ``france`` : en rapport à la référence. ``territoire`` : des classes propres aux valeurs montrées.
        ``auto`` : la France, sauf si plus des deux tiers des valeurs tomberaient dans une même classe et que
        des classes propres les séparent mieux.
    reference : float, optional
        Sans elle (absente, nulle ou négative), il n'y a que les classes propres.

    Returns
    -------
    tuple of Classes
        Vide si aucune valeur n'est connue.

    Raises
    ------
    DemandeFausse
        Autre choix, ou « france » sans référence.

    Examples
    --------
    >>> [c.choix for c in classements([70, 72, 74, 90], reference=60.9)]
    ['territoire', 'france']
    >>> [c.choix for c in classements([40, 55, 74, 90], reference=60.9)]
    ['france', 'territoire']
    """
    if choix not in CHOIX:
        raise DemandeFausse(f"classes « {choix} »", attendu=", ".join(CHOIX))
    connues = [v for v in _nombres(valeurs).tolist() if np.isfinite(v)]
    a_quoi = float(reference) if reference is not None and np.isfinite(reference) and reference > 0 else None
    if choix == "france" and a_quoi is None:
        raise DemandeFausse("pas de valeur de la France à qui rapporter les classes",
                            conseil="demandez les classes « territoire » ou « auto »")
    if not connues:
        return ()
    propres = quantiles(connues, unite=unite, decimales=decimales)
    if a_quoi is None:
        return (propres,)
    propres = replace(propres, reference=a_quoi)
    rapportees = bandes(connues, reference=a_quoi, nom_reference=nom_reference, unite=unite,
                        decimales=decimales)
    if choix == "auto":
        unie = _plus_grande_part(rapportees, connues)
        choix = "territoire" if unie > _TROP_UNIE and _plus_grande_part(propres, connues) < unie else "france"
    return (rapportees, propres) if choix == "france" else (propres, rapportees)


def _plus_grande_part(classes: Classes, valeurs: Sequence[float]) -> float:
    return int(np.bincount(classes.indices(valeurs)).max()) / len(valeurs)


def quantiles(
    valeurs: Iterable, *, nombre_classes: int = 5, unite: str | None = None, decimales: int | None = None
) -> Classes:
    """Classes d'effectifs voisins ; les bornes qui s'écrivent pareil sont réunies, un minimum répété est à part.

    Raises
    ------
    DemandeFausse
        Aucune valeur observée : il n'y a rien à classer.

    Examples
    --------
    >>> quantiles([1, 2, 3, 4, float("nan")], nombre_classes=2).bornes
    (1.0, 2.5, 4.0)

    Neuf communes à 0 %, une à 100 : deux couleurs.

    >>> quantiles([0] * 9 + [100], unite="%").etiquettes
    ('0,0', '100,0')
    """
    places = decimales_de(unite) if decimales is None else decimales
    observees = _observees(valeurs, places, unite)
    if not len(observees):
        raise DemandeFausse(
            "aucune valeur observée", conseil="ne dessinez que le fond et la légende « sans donnée »"
        )
    parts = np.quantile(observees, np.linspace(0, 1, nombre_classes + 1))[1:-1]
    seuils = {float(arrondir(s, places)) for s in parts.tolist()}
    bas = observees.min()
    if any(s <= bas for s in seuils) and (observees > bas).any():
        # Tout un cinquième est au minimum : sans classe à lui, il aurait la couleur de ce qui le suit.
        seuils.add(float(observees[observees > bas].min()))
    return par_seuils(valeurs, seuils=sorted(seuils), unite=unite, decimales=decimales)


def par_seuils(
    valeurs: Iterable,
    *,
    seuils: Sequence[float],
    unite: str | None = None,
    decimales: int | None = None,
    palette: Sequence[str] | None = None,
) -> Classes:
    """Classes de seuils donnés, étendues au minimum et au maximum observés.

    Examples
    --------
    >>> par_seuils([5, 40], seuils=[10, 20], unite="habitants").etiquettes[1]
    'de 10 à moins de 20'
    """
    places = decimales_de(unite) if decimales is None else decimales
    observees = _observees(valeurs, places, unite)
    internes = sorted(set(seuils))
    bas = min([*observees, *internes])
    haut = max([*observees, *internes])
    # Un seuil égal au minimum ferait une première classe vide.
    internes = [s for s in internes if bas < s <= haut]
    bornes = (float(bas), *map(float, internes), float(haut))
    paires = list(pairwise(bornes))
    etiquettes = [_etiquette(*paire, observees, places) for paire in paires[:-1]]
    etiquettes.append(_derniere(*paires[-1], places))
    teintes = tuple(palette) if palette else couleurs.palette(len(etiquettes))
    if len(teintes) != len(etiquettes):
        raise DemandeFausse(
            f"{len(teintes)} couleurs pour {len(etiquettes)} classes", attendu="une couleur par classe"
        )
    return Classes(bornes, teintes, tuple(_insecable(e) for e in etiquettes), places=places, unite=unite)


def _etiquette(a: float, b: float, observees: np.ndarray, places: int) -> str:
    """« de a à moins de b » ; « a » seul quand rien d'autre ne peut s'y écrire, ou ne s'y trouve au minimum."""
    pas = 10.0**-places
    dedans = observees[(observees >= a) & (observees < b)]
    if 0 < a < pas or (b < 1.5 * pas and (dedans > a).any()):
        # Des parts infimes, entre zéro et ce qui s'écrit.
        return f"moins de {nombre(b, decimales=places)}" if b < 1.5 * pas else (
            f"plus de 0 et moins de {nombre(b, decimales=places)}"
        )
    if b - a < 1.5 * pas or a == observees.min() == dedans.max(initial=a):
        return nombre(a, decimales=places)
    return f"de {nombre(a, decimales=places)} à moins de {nombre(b, decimales=places)}"


def _derniere(a: float, b: float, places: int) -> str:
    dit = [nombre(x, decimales=places) for x in (a, b)]
    if 0 < a < 10.0**-places:
        return f"moins de {nombre(10.0**-places, decimales=places)}" if a == b else f"plus de 0, jusqu'à {dit[1]}"
    return dit[0] if a == b else f"de {dit[0]} à {dit[1]}"


def _decimales_utiles(rapport: float) -> int:
    return 0 if float(rapport).is_integer() else 2


def _insecable(texte: str) -> str:
    return texte.replace(f"{FINE} ", FINE).replace(" fois ", f"{INSECABLE}fois{INSECABLE}", 1)


# --- Légendes ---

_VIDES = {"secret": "Secret statistique", "non_disponible": "Donnée absente", "sans_objet": "Sans objet"}
TRACES = {
    "rond": "M8 2a6 6 0 1 0 .01 0z",
    "carre": "M2.5 2.5h11v11h-11z",
    "triangle": "M8 1.5L15 14H1z",
    "losange": "M8 .5L15.5 8 8 15.5.5 8z",
    "croix": "M5.5 1h5v4.5H15v5h-4.5V15h-5v-4.5H1v-5h4.5z",
}


def _vignette(dessin: str, libelle: str, *, precision: str = "") -> Vignette:
    svg = f'<svg width="26" height="16" viewBox="0 0 26 16" aria-hidden="true" focusable="false">{dessin}</svg>'
    return Vignette(svg, libelle, precision)


def vignette_d_aplat(
    remplissage: str, libelle: str, compte: int, *, opacite: float = 1.0, precision: str = ""
) -> Vignette:
    """Une classe de couleur ou un motif, et le nombre de territoires."""
    dessin = (
        f'<rect x=".5" y=".5" width="25" height="15" fill="{html_sur(remplissage)}" '
        f'fill-opacity="{opacite:g}" stroke="#8a929a"/>'
    )
    # « de 1 à 1,15 fois la France (60,9 à 70,0) » : la fourchette passe à la ligne, en petit.
    tete, _, fourchette = libelle.partition(" (")
    if not fourchette:
        return _vignette(dessin, f"{tete} ({nombre(compte)})", precision=precision)
    dite = f"{fourchette.rstrip(')')} – {pluriel(compte, 'territoire')}"
    return _vignette(dessin, tete, precision=precision or dite)


def vignette_de_trait(style: dict[str, Any], libelle: str) -> Vignette:
    """Un trait de contour."""
    bord = f'stroke="{style["color"]}" stroke-width="{style["weight"]}"'
    if style.get("dashArray"):
        bord += f' stroke-dasharray="{style["dashArray"]}"'
    if style.get("fill") is False:
        return _vignette(f'<path d="M1 8h24" fill="none" {bord}/>', libelle)
    remplissage = f'fill="{style["fillColor"]}" fill-opacity="{style.get("fillOpacity", 1):g}"'
    return _vignette(f'<rect x="1" y="2" width="24" height="12" {remplissage} {bord}/>', libelle)


def vignette_de_structures(forme: str, couleur: str, libelle: str, compte: int) -> Vignette:
    """La forme d'un type de structure, et leur nombre."""
    dessin = f'<path transform="translate(5 0)" d="{TRACES[forme]}" fill="{couleur}"/>'
    return _vignette(dessin, f"{libelle} ({nombre(compte)})")


def _vignette_d_anneau(couleur: str, libelle: str, *, plein: bool, precision: str = "") -> Vignette:
    """Un anneau : zéro (trait plein) ou donnée absente (tirets)."""
    tirets = "" if plein else ' stroke-dasharray="2 2"'
    rayon = 2.5 if plein else 5
    dessin = f'<circle cx="13" cy="8" r="{rayon}" fill="#fff" stroke="{couleur}" stroke-width="1.4"{tirets}/>'
    return _vignette(dessin, libelle, precision=precision)


def _vignette_de_cercles(maximum: float, *, couleur: str, decimales: int) -> Vignette:
    """Trois tailles emboîtées : une valeur ronde proche du maximum, son quart environ, son vingtième."""
    tailles = sorted({rond(maximum * part) for part in (1.0, 0.3, 0.06)} - {0.0}, reverse=True)
    grand = rayon_cercle(tailles[0], maximum)
    haut, axe = 2 * grand + 4, grand + 2
    dessin = []
    precedent = -20.0
    for taille in tailles:
        r = rayon_cercle(taille, maximum)
        sommet = haut - 2 - 2 * r
        ecrit = max(sommet, precedent + 16)
        precedent = ecrit
        dessin.append(
            f'<circle cx="{axe:.1f}" cy="{haut - 2 - r:.1f}" r="{r:.1f}" fill="{couleur}" '
            f'fill-opacity=".15" stroke="{couleur}"/>'
            f'<path d="M{axe:.1f} {sommet:.1f}H{axe * 2 + 2:.1f}L{axe * 2 + 6:.1f} {ecrit + 1:.1f}" '
            f'fill="none" stroke="{ENCRE_2}" stroke-width=".7"/>'
            f'<text x="{axe * 2 + 9:.1f}" y="{ecrit + 4:.1f}" font-size="12" fill="currentColor">'
            f"{nombre(taille, decimales=0 if taille >= 1 else decimales)}</text>"
        )
    hauteur = max(haut, precedent + 8) + 6
    return Vignette(
        f'<svg width="130" height="{hauteur:.0f}" viewBox="0 -6 130 {hauteur:.0f}" role="img" '
        f'aria-label="Taille des cercles">{"".join(dessin)}</svg>',
        hauteur=round(hauteur),
    )


def rond(valeur: float) -> float:
    """La valeur ronde (1, 2 ou 5 fois une puissance de dix) juste sous `valeur`.

    Examples
    --------
    >>> rond(473), rond(28), rond(1), rond(0)
    (200.0, 20.0, 1.0, 0.0)
    """
    if valeur <= 0:
        return 0.0
    puissance = 10.0 ** math.floor(math.log10(valeur))
    return max(m * puissance for m in (1, 2, 5) if m * puissance <= valeur * (1 + 1e-9))


# --- Peintures ---

RAYON_MAXIMAL = 22
NOMS_DES_CHOIX = {"france": "par rapport à la France", "territoire": "dans le territoire"}


@dataclass(frozen=True)
class Peinture:
    """Des valeurs, prêtes à dessiner : une entrée par territoire, dans l'ordre des codes donnés.

    Attributes
    ----------
    styles : list of dict
        Styles Leaflet ; ``rangs`` donne celui de chaque territoire.
    fiches : list of list of str
        Lignes de chaque infobulle.
    legende, texte, valeurs
        Légende, résumé en phrases, tableau équivalent.
    lignes : list of dict
        Mesures alignées sur les codes.
    rayons : list of float
        En pixels ; vide pour des aplats.
    choix : str
        Façon de ranger en classes, à offrir quand il y en a plusieurs.
    quoi, groupe, titre, source : str
        Sur une carte à plusieurs indicateurs : son nom dans la liste, son thème, ce qui s'écrit autour.
    """

    styles: list[dict]
    rangs: list[int]
    fiches: list[list[str]]
    legende: Legende
    texte: str
    valeurs: ValeursDeCarte
    lignes: list[dict]
    rayons: list[float] = field(default_factory=list)
    choix: str = ""
    quoi: str = ""
    groupe: str = ""
    titre: str = ""
    source: str = ""


def peindre_aplats(
    codes: Sequence[str],
    noms: Sequence[str],
    mesures: pd.DataFrame,
    *,
    classes: Classes | None,
    libelle: str,
    unite: str | None,
    decimales: int | None = None,
    discret: bool = False,
) -> Peinture:
    """Une couleur de classe par territoire ; sans donnée, hachuré et nommé.

    Parameters
    ----------
    codes, noms : sequence of str
        Territoires à peindre.
    mesures : DataFrame
        Mesures (au plus une par territoire). Un code sans mesure est « non disponible ».
    classes : Classes or None
        ``None`` si aucune valeur n'est connue : tout est hachuré.
    discret : bool
        Teintes pâlies, pour un fond sous des cercles ou des points.

    Raises
    ------
    DemandeFausse
        Deux mesures pour un territoire ; taux d'une maille plus large peint sur une plus fine.
    """
    lignes, places = _aligner(codes, mesures, unite, decimales)
    opacite = 0.55 if discret else 1
    rangs = (
        classes.indices([ligne.get("valeur") for ligne in lignes])
        if classes
        else np.full(len(lignes), SANS_CLASSE)
    )
    vides = list(
        dict.fromkeys(
            ligne["statut"] for ligne, rang in zip(lignes, rangs, strict=True) if rang == SANS_CLASSE
        )
    )
    styles = [
        {"color": "#ffffff", "weight": 1, "fillColor": c, "fillOpacity": opacite,
         "encre": couleurs.encre_sur(couleurs.melange(c, opacite))}
        for c in (classes.couleurs if classes else ())
    ]
    rang_vide = {}
    for cle in vides:
        rang_vide[cle] = len(styles)
        motif = "url(#pointille)" if cle == "sans_objet" else "url(#hachures)"
        styles.append({"color": "#aab4bd", "weight": 1, "fillColor": motif, "fillOpacity": 1})
    comptes = np.bincount(rangs[rangs != SANS_CLASSE], minlength=len(classes) if classes else 0)
    elements = [
        vignette_d_aplat(teinte, etiquette, int(compte), opacite=float(opacite))
        for teinte, etiquette, compte in (
            zip(classes.couleurs, classes.etiquettes, comptes, strict=True) if classes else ()
        )
    ]
    for cle in vides:
        concernes = [n for n, li in zip(noms, lignes, strict=True) if li["statut"] == cle]
        elements.append(
            vignette_d_aplat(
                str(styles[rang_vide[cle]]["fillColor"]),
                _VIDES.get(cle, "Donnée absente"),
                len(concernes),
                precision=enumeration(concernes, maximum=3),
            )
        )
    return Peinture(
        styles=styles,
        rangs=[
            int(rang) if rang != SANS_CLASSE else rang_vide[ligne["statut"]]
            for ligne, rang in zip(lignes, rangs, strict=True)
        ],
        fiches=_fiches(noms, lignes, unite, places),
        legende=Legende(tuple(elements), libelle, _precision(classes, unite, places)),
        texte=fiches.resume(noms, lignes, rangs, unite=unite, decimales=places),
        valeurs=_valeurs(noms, lignes, libelle=libelle, unite=unite, decimales=places),
        lignes=lignes,
        choix=NOMS_DES_CHOIX[classes.choix] if classes else "",
    )


def _precision(classes: Classes | None, unite: str | None, decimales: int) -> str:
    """L'unité ; et, quand les couleurs ne se lisent plus contre la France, ce qu'elle vaut."""
    dite = unite or ""
    if classes is None or classes.choix == "france" or classes.reference is None or unite == FOIS_LA_FRANCE:
        return dite
    return f"{dite}, couleurs propres à la carte (France : {nombre(classes.reference, decimales=decimales)})"


def peindre_cercles(
    codes: Sequence[str],
    noms: Sequence[str],
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    couleur: str = couleurs.TERRITOIRE,
    decimales: int | None = None,
) -> Peinture:
    """Un cercle par territoire, dont la **surface** est proportionnelle à l'effectif.

    Un zéro est un petit anneau vide, un manquant un anneau en tirets : ni l'un ni l'autre ne se confond
    avec l'absence de la commune.

    Raises
    ------
    DemandeFausse
        Effectif négatif, deux mesures pour un territoire, maille empruntée.
    """
    lignes, places = _aligner(codes, mesures, unite, decimales)
    connues = [float(li["valeur"]) for li in lignes if not est_vide(li.get("valeur"))]
    if any(v < 0 for v in connues):
        raise DemandeFausse(
            "un effectif négatif",
            attendu="un nombre positif ou nul",
            conseil="montrez une évolution en aplats",
        )
    maximum = max(connues, default=0.0)
    tirets = {"fillOpacity": 0.7, "dashArray": "2 2"}
    styles = [
        {"color": "#ffffff", "weight": 1.2, "fillColor": couleur, "fillOpacity": 0.78},
        {"color": couleur, "weight": 1.4, "fillColor": "#ffffff", "fillOpacity": 0.9},
        {"color": couleurs.ENCRE_2, "weight": 1.4, "fillColor": "#ffffff", **tirets},
    ]
    aspects = [_aspect(ligne, maximum) for ligne in lignes]
    elements = [_vignette_de_cercles(maximum, couleur=couleur, decimales=places)] if maximum > 0 else []
    if any(v == 0 for v in connues):
        elements.append(_vignette_d_anneau(couleur, "aucun", plein=True))
    absents = [n for n, li in zip(noms, lignes, strict=True) if est_vide(li.get("valeur"))]
    if absents:
        elements.append(
            _vignette_d_anneau(
                couleurs.ENCRE_2,
                f"Donnée absente ({nombre(len(absents))})",
                plein=False,
                precision=enumeration(absents, maximum=3),
            )
        )
    rangs = np.array([SANS_CLASSE if est_vide(li.get("valeur")) else 0 for li in lignes])
    return Peinture(
        styles=styles,
        rangs=[style for style, _ in aspects],
        fiches=_fiches(noms, lignes, unite, places),
        legende=Legende(tuple(elements), libelle, unite or ""),
        texte=f"{libelle} : " + fiches.resume(noms, lignes, rangs, unite=unite, decimales=places),
        valeurs=_valeurs(noms, lignes, libelle=libelle, unite=unite, decimales=places),
        lignes=lignes,
        rayons=[round(rayon, 2) for _, rayon in aspects],
    )


def _aligner(
    codes: Sequence[str], mesures: pd.DataFrame, unite: str | None, decimales: int | None
) -> tuple[list[dict], int]:
    lignes = fiches.aligner(codes, mesures)
    fiches.refuser_maille_empruntee(lignes)
    return lignes, decimales_de(unite) if decimales is None else decimales


def _fiches(noms: Sequence[str], lignes: Sequence[dict], unite: str | None, decimales: int) -> list[list[str]]:
    return [
        fiches.fiche(nom, ligne, unite=unite, decimales=decimales) for nom, ligne in zip(noms, lignes, strict=True)
    ]


def _valeurs(
    noms: Sequence[str], lignes: Sequence[dict], *, libelle: str, unite: str | None, decimales: int
) -> ValeursDeCarte:
    ordre = sorted(
        range(len(noms)),
        key=lambda i: (
            est_vide(lignes[i].get("valeur")),
            -float(lignes[i].get("valeur") or 0),
            cle_de_tri(noms[i]),
        ),
    )
    dites = (
        (noms[i], fiches.valeur_dite(lignes[i], unite=None, decimales=decimales), statut(lignes[i]["statut"]).libelle)
        for i in ordre
    )
    return ValeursDeCarte(libelle, unite or "", tuple(dites))


def _aspect(ligne: dict, maximum: float) -> tuple[int, float]:
    """Rang du style et rayon du cercle d'une mesure."""
    if est_vide(ligne.get("valeur")):
        return 2, 5.0
    valeur = float(ligne["valeur"])
    return (1, 2.5) if valeur == 0 else (0, max(2.0, rayon_cercle(valeur, maximum)))


def rayon_cercle(valeur: float, maximum: float) -> float:
    """Rayon en pixels : la surface est proportionnelle à la valeur.

    Examples
    --------
    >>> rayon_cercle(100, 400) / rayon_cercle(400, 400)
    0.5
    """
    return RAYON_MAXIMAL * math.sqrt(valeur / maximum) if maximum > 0 else 0.0
