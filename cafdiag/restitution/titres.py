"""Ce que conclut un dessin : le même titre dans le rapport, la note et les diapositives, tiré des valeurs montrées.

Sans valeur à comparer, le titre dit seulement ce qui est dessiné.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cafdiag.indicateurs.positions import se_distinguent
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import derniere_suite, situe
from cafdiag.restitution.formats import arrondir, enumeration, majuscule, minuscule, nombre
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.restitution.note_mots import PRESQUE_TOUS, fraction

GLOBAL, PRES_D_UN_ALSH = "PE_TXCOUV_GLOBAL", "EJ_ALSH_PART_X_KM"
# Par mode : ce qu'en dit une phrase, et son nom sur un dessin.
MODES = {
    "PE_TXCOUV_EAJE": ("en crèche", "Crèche"),
    "PE_TXCOUV_AM": ("chez une assistante maternelle", "Assistante maternelle"),
    "PE_TXCOUV_PRESCO": ("à l'école dès 2 ans", "École à 2 ans"),
    "PE_TXCOUV_GAD": ("au domicile des parents", "Au domicile"),
}
# En % : une série qui finit plus loin de son début n'est pas restée la même.
SENSIBLE = 5
# En points : deux parts plus proches ne se distinguent pas sur le dessin.
_PROCHES = 0.5
_LIEUX = {
    "centre_social": ("centre social", "centres sociaux"),
    "evs": ("EVS", "EVS"),
    "france_services": ("espace France services", "espaces France services"),
}


def de_la_carte(donnees: Donnees) -> str:
    """Ce que conclut la carte des taux ; vide si elle n'aurait aucune couleur."""
    if len(donnees.autour) and donnees.autour["valeur"].isna().all():
        return ""
    lecture, ou = donnees.lecture, situe(donnees.lecture, GLOBAL)
    if not ou and (ecart := lecture.ecart(GLOBAL, "france")):
        return f"Accueil des tout-petits : un taux plus {'élevé' if ecart > 0 else 'bas'} qu'en France"
    if not ou:
        suite = "au niveau de la France" if lecture.comparable(GLOBAL, "france") else "d'un lieu à l'autre"
        return f"L'accueil des tout-petits, {suite}"
    return f"Accueil des tout-petits : {'le' if ou.startswith('le ') else 'un'} taux {ou}"


def des_communes(effectifs: Mapping[str, float], qui: str = "tout-petit", *, estimes: bool = True) -> str:
    """« Plus d'un tout-petit sur deux à Angers » : ce que conclut la carte des communes.

    Parameters
    ----------
    effectifs : mapping
        Effectif par nom de commune ; vide s'il n'est pas connu.
    estimes : bool
        Les enfants de moins de 3 ans sont estimés d'après les naissances.

    Examples
    --------
    >>> des_communes({"Le Mans": 52, "Allonnes": 40}), des_communes({"Cossé": 19, "Renazé": 171}, "habitant")
    ("Plus d'un tout-petit sur deux au Mans", 'Environ neuf habitants sur dix à Renazé')
    >>> des_communes({c: 1 for c in "abcdef"})
    'Les tout-petits se répartissent entre 6 communes'
    """
    total = sum(effectifs.values())
    if not total:
        return f"Où vivent les {qui}s"
    premiere = max(effectifs, key=lambda n: effectifs[n])
    dit = fraction(100 * effectifs[premiere] / total, qui)
    if not dit:
        return f"Les {qui}s se répartissent entre {nombre(len(effectifs))} communes"
    return f"{_environ(dit) if estimes else dit} à {premiere}".replace("à Le ", "au ").replace("à Les ", "aux ")


def _environ(fraction_dite: str) -> str:
    exacte = not fraction_dite.startswith("Plus")
    return f"Environ {minuscule(fraction_dite)}" if exacte else fraction_dite


def de_l_offre(lecture: MesuresLues) -> str:
    """« Trois places sur quatre chez une assistante maternelle »."""
    taux = {c: lecture.valeur(c) for c in MODES if lecture.connu(c)}
    if not taux:
        return "L'accueil des tout-petits"
    premier = max(taux, key=lambda c: taux[c])
    dit = fraction(100 * taux[premier] / lecture.valeur(GLOBAL), "place")
    if dit and not lecture.estime(GLOBAL):
        return f"{dit} {MODES[premier][0]}"
    return f"L'accueil se fait d'abord {MODES[premier][0]}"


def des_modes(lecture: MesuresLues) -> str:
    """« Plus de places en crèche que dans le département, moins chez une assistante maternelle »."""
    ecarts = {c: e for c in MODES if (e := lecture.ecart(c, "departement"))}
    en_plus = max((c for c in ecarts if ecarts[c] > 0), key=lambda c: ecarts[c], default="")
    en_moins = min((c for c in ecarts if ecarts[c] < 0), key=lambda c: ecarts[c], default="")
    if not en_plus and not en_moins:
        return f"{lecture.texte(GLOBAL)} places pour 100 tout-petits, tous accueils réunis"
    tete = f"{'Plus' if en_plus else 'Moins'} de places {MODES[en_plus or en_moins][0]} que dans le département"
    return f"{tete}, moins {MODES[en_moins][0]}" if en_plus and en_moins else tete


def du_classement(voisins: pd.DataFrame) -> str:
    """« De 39,8 à 80,7 places selon l'intercommunalité »."""
    bas, haut = (nombre(v, decimales=1) for v in (voisins["valeur"].min(), voisins["valeur"].max()))
    return f"De {bas} à {haut} places selon l'intercommunalité" if bas != haut else "Autant de places partout"


def des_naissances(serie: pd.DataFrame) -> str:
    """La dernière année connue à côté de la première ; ``serie`` en a deux au moins.

    >>> des_naissances(pd.DataFrame({"annee": [2008, 2025], "valeur": [389.0, 306.0]}))
    "Moins de naissances en 2025 qu'en 2008 : 306, pour 389"
    """
    connues = serie[serie["valeur"].notna()].sort_values("annee")
    (debut, fin), (avant, apres) = (connues[c].iloc[[0, -1]] for c in ("annee", "valeur"))
    sens = "Moins" if apres < avant else "Plus"
    if abs(apres - avant) < SENSIBLE / 100 * avant:
        sens = "Presque autant"
    dits = [nombre(v, decimales=0) for v in (apres, avant)]
    if dits[0] == dits[1]:
        return f"Autant de naissances en {fin} qu'en {debut} : {dits[0]}"
    return f"{sens} de naissances en {fin} qu'en {debut} : {dits[0]}, pour {dits[1]}"


def des_ages(ages: pd.DataFrame, ou: str) -> str:
    """« Moins de jeunes que dans le département », d'après la somme des tranches montrées ; neutre sans repère.

    >>> des_ages(pd.DataFrame({"valeur": [5.0, 6.0], "reference": [5.0, 7.2]}), "dans la Mayenne")
    'Une part de jeunes plus petite que dans la Mayenne'
    """
    if not ou:
        return "Parts des enfants et des jeunes dans la population"
    ecart = ages["valeur"].sum() - ages["reference"].sum()
    part = f"Une part de jeunes plus {'grande' if ecart > 0 else 'petite'}"
    part = "Presque la même part de jeunes" if abs(ecart) < _PROCHES else part
    return f"{part} que {ou}".replace("que en", "qu'en")


def de_l_acces(lecture: MesuresLues) -> str:
    """« Environ trois enfants sur quatre à moins de 5 km d'un accueil de loisirs »."""
    ou = "à moins de 5 km d'un accueil de loisirs"
    if not lecture.connu(PRES_D_UN_ALSH):
        bornes = lecture.bornes(PRES_D_UN_ALSH)
        return majuscule(f"{bornes} des 3-11 ans {ou}") if bornes else "L'accueil de loisirs le plus proche"
    part = lecture.valeur(PRES_D_UN_ALSH)
    if part >= PRESQUE_TOUS:
        return f"{'Tous' if round(part, 6) >= 100 else 'Presque tous'} les enfants de 3 à 11 ans {ou}"
    dit = fraction(part, "enfant") or "Moins d'un enfant sur quatre"
    return f"{dit if dit.startswith('Moins') else _environ(dit)} {ou}"


def des_lieux(types: pd.Series) -> str:
    """« 2 centres sociaux et 1 espace France services connus ».

    >>> des_lieux(pd.Series(["evs", "centre_social", "evs"])), des_lieux(pd.Series(["evs"]))
    ('1 centre social et 2 EVS connus', '1 EVS connu')
    """
    comptes = types.value_counts()
    dits = [accord(int(comptes[t]), *mots) for t, mots in _LIEUX.items() if comptes.get(t, 0)]
    return f"{enumeration(dits)} connu{'s' if len(types) > 1 else ''}"


def du_taux(table: pd.DataFrame) -> str:
    """« Le taux de couverture augmente : 66,7 en 2022, 77,5 en 2023 », depuis la dernière rupture de la série."""
    suite = derniere_suite(table)
    if len(suite) < 2:
        return "Le taux de couverture, année par année"
    debut, fin = suite.iloc[0], suite.iloc[-1]
    ecart = arrondir(fin["valeur"], 1) - arrondir(debut["valeur"], 1)
    sens = ("augmente" if ecart > 0 else "recule") if se_distinguent(debut, fin, 1) else "ne change pas nettement"
    dits = [f"{nombre(li['valeur'], decimales=1)} en {int(li['annee'])}" for li in (debut, fin)]
    return f"Le taux de couverture {sens} : {', '.join(dits)}"
