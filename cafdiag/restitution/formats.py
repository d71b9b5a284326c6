"""Écrire les nombres, les unités, les statuts et les dates à la française.

Espace fine insécable (U+202F) entre les milliers et devant « % », virgule décimale, signe moins
typographique, arrondi au plus proche avec les demis vers le haut (celui qu'on fait à la main).
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.accords import accorder
from cafdiag.restitution.echappement import est_vide

if TYPE_CHECKING:
    import pandas as pd

FINE = "\u202f"
INSECABLE = "\u00a0"
MOINS = "\u2212"
MOIS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


@dataclass(frozen=True)
class Statut:
    """Comment un statut de mesure se dit : `symbole` court, `libelle`, `explication`."""

    symbole: str
    libelle: str
    explication: str
    chiffre: bool


STATUTS: dict[str, Statut] = {
    "exact": Statut("", "exact", "valeur publiée ou somme complète de valeurs publiées", True),
    "estime": Statut("e", "estimé", "valeur estimée : l'écart possible est donné avec elle", True),
    "arrondi": Statut("a", "arrondi", "valeur tirée de nombres arrondis par leur producteur", True),
    "secret": Statut("s", "secret statistique", "valeur protégée par le secret statistique", False),
    "non_disponible": Statut("n.d.", "non disponible", "la source ne donne pas cette valeur", False),
    "sans_objet": Statut("s.o.", "sans objet", "la question ne se pose pas sur ce territoire", False),
}

# L'unité d'un rapport au taux de la France.
FOIS_LA_FRANCE = "fois la France"
# Des unités qu'aucun indicateur n'a ; celles des indicateurs prennent les décimales du dictionnaire.
_AUTRES = dict.fromkeys(("foyers", "structures", "logements", "ménages", "euros", "€"), 0) | {"€/h": 2}
_AUTRES |= {f"€/{quoi}": 0 for quoi in ("an", "mois", "place", "place/an", "espace", "ETP")}


@lru_cache(maxsize=1)
def _decimales() -> dict[str, int]:
    # Compter « 3 diagnostics » ne demande ni le dictionnaire, ni pandas.
    from cafdiag.indicateurs.dictionnaire import dictionnaire

    return dictionnaire().groupby("unite")["decimales"].min().to_dict() | _AUTRES


def statut(cle: str) -> Statut:
    """Le :class:`Statut` d'une mesure.

    Examples
    --------
    >>> statut("sans_objet").symbole
    's.o.'
    """
    try:
        return STATUTS[cle]
    except KeyError:
        raise DemandeFausse(f"statut inconnu : « {cle} »", attendu=", ".join(STATUTS)) from None


def chiffrees(mesures: pd.DataFrame) -> pd.Series:
    """Les mesures qui portent un chiffre : un masque de booléens, même sans aucune mesure."""
    # Sans « astype », le masque d'une table vide choisirait des colonnes, et n'en garderait aucune.
    return mesures["statut"].map(lambda s: statut(s).chiffre).astype(bool)


def decimales_de(unite: str | None) -> int:
    """Nombre de décimales montrées pour une unité : celles des indicateurs qui l'ont, 1 pour une autre.

    Examples
    --------
    >>> decimales_de("habitants"), decimales_de("%"), decimales_de("LAEP pour 1 000 enfants"), decimales_de("€/h")
    (0, 1, 2, 2)
    """
    return _decimales().get(unite or "", 1)


def arrondir(valeur: float, decimales: int) -> Decimal:
    """Arrondit au plus proche, les demis s'éloignant de zéro, sur l'écriture décimale du nombre.

    ``round(2.675, 2)`` rend 2.67 et ``round(0.5)`` rend 0 : ni l'un ni l'autre n'est l'usage.

    Examples
    --------
    >>> arrondir(2.675, 2), arrondir(0.5, 0)
    (Decimal('2.68'), Decimal('1'))
    """
    return Decimal(str(valeur)).quantize(Decimal(1).scaleb(-decimales), rounding=ROUND_HALF_UP)


def nombre(
    valeur: float | int | None,
    *,
    decimales: int | None = None,
    signe: bool = False,
    vide: str = "n.d.",
    unite: str | None = None,
) -> str:
    """Écrit un nombre à la française.

    Parameters
    ----------
    valeur : float, int or None
        Un manquant rend `vide`, jamais zéro.
    decimales : int, optional
        Par défaut 0 pour un entier, 1 sinon.
    signe : bool
        Écrit « + » devant un nombre positif.
    unite : str, optional
        Pour « % », une part à qui il manque un peu ne s'écrit pas 100,0 : elle dirait « tous » ; une part
        infime ne s'écrit pas 0,0 : elle dirait « aucun ».

    Examples
    --------
    >>> nombre(28591) == "28\\u202f591", nombre(79.9), nombre(float("nan"))
    (True, '79,9', 'n.d.')
    >>> nombre(-3.25, signe=True) == "\\u22123,3"
    True
    >>> nombre(99.97, unite="%"), nombre(100.0, decimales=1, unite="%")
    ('99,9', '100,0')
    >>> nombre(0.02, decimales=1, unite="%"), nombre(0.0, decimales=1, unite="%")
    ('moins de 0,1', '0,0')
    """
    if valeur is None or est_vide(valeur):
        return vide
    nombre_ = float(valeur)
    if math.isinf(nombre_):
        return vide
    if decimales is None:
        decimales = 0 if nombre_.is_integer() else 1
    arrondi = arrondir(valeur if isinstance(valeur, int) else nombre_, decimales)
    # Une somme de parts vaut parfois 99,99999999999999 : c'est tout.
    if unite == "%" and not signe and arrondi == 100 and round(nombre_, 6) < 100:
        arrondi -= Decimal(1).scaleb(-decimales)
    if unite == "%" and not signe and arrondi == 0 and round(nombre_, 6) > 0:
        return f"moins de {nombre(10.0**-decimales, decimales=decimales)}"
    texte = f"{abs(arrondi):,.{decimales}f}".replace(",", FINE).replace(".", ",")
    if arrondi < 0:
        return MOINS + texte
    return f"+{texte}" if signe and arrondi > 0 else texte


def avec_unite(
    valeur: float | None,
    unite: str | None,
    *,
    decimales: int | None = None,
    signe: bool = False,
    vide: str = "n.d.",
) -> str:
    """Écrit un nombre suivi de son unité, insécables.

    Examples
    --------
    >>> avec_unite(44, "%") == "44,0\\u202f%"
    True
    >>> avec_unite(1, "habitants") == "1\\u00a0habitant"
    True
    >>> avec_unite(1.7, "places pour 100 enfants").replace(INSECABLE, " ")
    '1,7 place pour 100 enfants'
    """
    if valeur is None or est_vide(valeur) or math.isinf(valeur):
        return vide
    places = decimales_de(unite) if decimales is None else decimales
    texte = nombre(valeur, decimales=places, signe=signe, unite=unite)
    if not unite:
        return texte
    if unite == "%":
        return f"{texte}{FINE}%"
    return f"{texte}{INSECABLE}{accorder(valeur, unite)}"


def ecrire(valeur: float, unite: str, *, signe: bool = False) -> str:
    """Écrit un nombre aux décimales de son unité, avec « % » si c'est elle ; toute autre unité se dit dans la phrase.

    >>> ecrire(44, "%") == "44,0\\u202f%", ecrire(79.9, "places pour 100 enfants")
    (True, '79,9')
    """
    ecrit = nombre(valeur, decimales=decimales_de(unite), signe=signe, unite=unite)
    return f"{ecrit}{FINE}%" if unite == "%" else ecrit


def avec_statut(ligne: dict) -> str:
    """La valeur d'une mesure connue, son unité, et son statut s'il n'est pas exact.

    Examples
    --------
    >>> avec_statut({"valeur": 83.1, "unite": "%", "statut": "arrondi"}) == "83,1\\u202f% (arrondi)"
    True
    """
    etat = statut(ligne["statut"])
    return avec_unite(ligne["valeur"], ligne["unite"]) + (f" ({etat.libelle})" if etat.symbole else "")


def evolution(valeur: float | None, *, decimales: int = 1) -> str:
    """Écrit une évolution en pour cent, toujours signée.

    Examples
    --------
    >>> evolution(3.2) == "+3,2\\u202f%"
    True
    """
    return avec_unite(valeur, "%", decimales=decimales, signe=True)


def borne(valeur: float, *, decimales: int = 1, unite: str | None = None) -> str:
    """Écrit une borne : comme :func:`nombre`, mais 0,02 s'y écrit 0,0 (« au moins moins de 0,1 » ne dirait rien).

    Examples
    --------
    >>> borne(0.02, unite="%"), borne(99.97, unite="%")
    ('0,0', '99,9')
    """
    infime = arrondir(float(valeur), decimales) == 0
    return nombre(valeur, decimales=decimales, unite=None if infime else unite)


def intervalle(
    bas: float | None, haut: float | None, *, decimales: int = 1, unite: str | None = None
) -> str:
    """Écrit un intervalle ; vide si une borne manque.

    Examples
    --------
    >>> intervalle(51.765, 60.9)
    '51,8 à 60,9'
    """
    if bas is None or haut is None or est_vide(bas) or est_vide(haut):
        return ""
    return " à ".join(borne(valeur, decimales=decimales, unite=unite) for valeur in (bas, haut))


def date(valeur: str | int | dt.date | None) -> str:
    """Écrit une date ISO, un mois ou une année en toutes lettres ; rend tel quel ce qui est déjà écrit.

    Examples
    --------
    >>> date("2023-12"), date("2025-07-01"), date(2023), date("décembre 2023")
    ('décembre 2023', '1er juillet 2025', '2023', 'décembre 2023')
    """
    if est_vide(valeur):
        return ""
    if isinstance(valeur, dt.date):
        valeur = valeur.isoformat()[:10]
    texte = str(valeur).strip()
    trouve = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", texte)
    if not trouve:
        return texte
    annee, mois, jour = trouve.group(1), int(trouve.group(2)), trouve.group(3)
    if not 1 <= mois <= 12:
        raise DemandeFausse(f"date impossible : « {texte} »", attendu="AAAA-MM ou AAAA-MM-JJ")
    if jour is None:
        return f"{MOIS[mois - 1]} {annee}"
    return f"{'1er' if int(jour) == 1 else int(jour)} {MOIS[mois - 1]} {annee}"


def date_de(mesure: Mapping) -> str:
    """L'année d'une mesure ; si ses termes n'ont pas la même, celle de chacun, telles que les dit son millésime.

    Examples
    --------
    >>> date_de({"annee": 2023, "millesime": "équipements 2025, population 2023"})
    'équipements 2025, population 2023'
    >>> date_de({"annee": 2023, "millesime": "décembre 2023"}), date_de({"annee": None})
    ('2023', '')
    """
    dit = str(mesure.get("millesime") or "")
    plusieurs = len(set(re.findall(r"\b\d{4}\b", dit))) > 1 and re.search(r",| et ", dit)
    annee = mesure.get("annee")
    return dit if plusieurs else "" if annee is None or est_vide(annee) else str(int(annee))


def enumeration(mots: list[str], *, maximum: int | None = None) -> str:
    """Énumère des mots : « a, b et c », ou « a, b et 3 autres » au-delà de `maximum`.

    Examples
    --------
    >>> enumeration(["Ahuillé", "Athée", "Ballots"]), enumeration(list("abcde"), maximum=2)
    ('Ahuillé, Athée et Ballots', 'a, b et 3 autres')
    """
    mots = [str(mot) for mot in mots]
    if maximum is not None and len(mots) > maximum + 1:
        return ", ".join(mots[:maximum]) + f" et {len(mots) - maximum} autres"
    return mots[0] if len(mots) == 1 else ", ".join(mots[:-1]) + f" et {mots[-1]}" if mots else ""


def pluriel(compte: int, singulier: str, pluriel_: str | None = None) -> str:
    """Compte une chose : le pluriel commence à deux.

    Examples
    --------
    >>> pluriel(1, "commune"), pluriel(0, "commune"), pluriel(37, "commune")
    ('1 commune', '0 commune', '37 communes')
    """
    mot = singulier if compte < 2 else (pluriel_ or f"{singulier}s")
    return f"{nombre(compte)} {mot}"


def majuscule(texte: str) -> str:
    """La phrase avec sa majuscule ; le reste n'est pas touché (« EVS » reste « EVS »).

    >>> majuscule("liste d'EVS partielle")
    "Liste d'EVS partielle"
    """
    return texte[:1].upper() + texte[1:]


def minuscule(texte: str) -> str:
    """Un libellé au milieu d'une phrase ; un sigle garde ses majuscules.

    >>> minuscule("Lits de FJT"), minuscule("QPV couverts"), minuscule("L'arrivée")
    ('lits de FJT', 'QPV couverts', "l'arrivée")
    """
    return texte[:1].lower() + texte[1:] if texte[1:2].islower() or texte[1:2] in (" ", "'", "’") else texte


def cle_de_tri(texte: str) -> str:
    """Clé d'ordre alphabétique sans égard aux accents ni à la casse : « Écouflant » après « Durtal ».

    Examples
    --------
    >>> sorted(["Zoé", "Écouflant", "angers"], key=cle_de_tri)
    ['angers', 'Écouflant', 'Zoé']
    """
    decompose = unicodedata.normalize("NFKD", str(texte).replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(c for c in decompose if not unicodedata.combining(c)).casefold()


_NATURES = re.compile(
    r"^(?:CC|CA|CU|METRO|MET69|Communauté\s+de\s+communes|Communauté\s+d['’]agglomération|Communauté\s+urbaine)\s+"
    # Un article à majuscule est celui du nom : « CA de La Rochelle ».
    r"(?-i:du\s+|de\s+la\s+|de\s+l['’]\s*|des\s+|de\s+|d['’]\s*)?",
    re.IGNORECASE,
)


_PARENTHESE = re.compile(r"([^()]+?)\s*\(([^()]+)\)")
# Ce qui tient devant une barre ou sur une carte, en caractères.
LONGUEUR_D_ETIQUETTE = 30


def nom_court(nom: str) -> str:
    """Le nom d'une intercommunalité sans sa nature, pour une étiquette ou un graphique.

    Examples
    --------
    >>> nom_court("CC du Pays de Craon"), nom_court("Communauté de communes de l'Ernée")
    ('Pays de Craon', 'Ernée')
    >>> nom_court("Angers Loire Métropole"), nom_court("CA du Sud")
    ('Angers Loire Métropole', 'CA du Sud')
    >>> nom_court("CA Intercommunale du Nord de la Réunion (CINOR)"), nom_court("CA Territoire de la Côte Ouest (TCO)")
    ('CINOR', 'Territoire de la Côte Ouest')
    >>> nom_court("CA de La Rochelle"), nom_court('CA "Saintes - Grandes Rives"')
    ('La Rochelle', 'Saintes - Grandes Rives')
    """
    court = _NATURES.sub("", nom.strip()).replace('"', "")
    # « CA du Sud », « CC du Sud » : un point cardinal seul ne désigne personne.
    if court in ("Nord", "Sud", "Est", "Ouest", "Centre"):
        return nom.strip()
    if trouve := _PARENTHESE.fullmatch(court):
        court = trouve[1].strip()
        if len(court) > LONGUEUR_D_ETIQUETTE and len(trouve[2]) < len(court):
            court = trouve[2].strip()
    return court[:1].upper() + court[1:] if court else nom


_MILLIERS = re.compile(r"(?<![\d\w])\d{1,3}(?: \d{3})+(?!\d)")


def ponctuer(texte: str) -> str:
    """Espaces insécables devant la ponctuation haute, dans les guillemets et entre les milliers.

    >>> ponctuer("Qui ? « moi »") == "Qui\\u202f? «\\u202fmoi\\u202f»"
    True
    >>> ponctuer("−12 % à 1 200 €") == "−12\\u202f% à 1\\u202f200\\u202f€"
    True
    >>> ponctuer("pour 10 000 habitants, en 2023 451") == "pour 10\\u202f000 habitants, en 2023 451"
    True
    """
    texte = _MILLIERS.sub(lambda m: m[0].replace(" ", FINE), texte)
    texte = re.sub(r" ([;?!»])|(?<=\d) ([%€])", lambda m: FINE + (m[1] or m[2]), texte)
    return texte.replace(" :", "\u00a0:").replace("« ", "«\u202f")
