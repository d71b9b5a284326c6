"""L'instantané T0 : figer les mesures d'un territoire, puis dire ce qui a changé.

L'évaluation d'une convention part d'une « donnée d'origine » : le fichier figé la garde, lisible et complet, avec
les empreintes des données publiques dont elle vient ; ce qu'un partenaire a remis n'y laisse que son nom. Il ne
contient aucune date d'exécution : la même demande sur les mêmes données donne les mêmes octets.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports, entrepot
from cafdiag.empreintes_du_code import version_de
from cafdiag.erreurs import EntreeFautive, fichier_illisible
from cafdiag.geographie import ANNEES, geographie
from cafdiag.indicateurs.dates import dates
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.evolution import RUPTURES, series_des_taux
from cafdiag.indicateurs.mesures import mesurer
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.petite_enfance import CALCULS_DES_TAUX, DEMI_TAUX
from cafdiag.magasin import dossier, ecrire_atomique
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.passage import passages
from cafdiag.territoires.referentiel import fiches

FORMAT = "cafdiag-t0-1"
_VERSION = version_de("cafdiag") or "0+depot"
_AUTRE_PERIMETRE = "le territoire n'a plus les mêmes communes : l'écart n'est pas une évolution"
# Ce qui fait une mesure ; le territoire est dit une fois, en tête.
_CHAMPS = [
    "indicateur",
    "libelle",
    "unite",
    "annee",
    "valeur",
    "modalite",
    "bas",
    "haut",
    "numerateur",
    "denominateur",
    "statut",
    "motif",
    "maille_source",
    "source",
    "millesime",
]
_STATUTS = ("exact", "estime", "arrondi", "secret", "non_disponible", "sans_objet")
_ATTENDUS = {
    "format": str,
    "cafdiag": str,
    "cog": int,
    "territoire": dict,
    "options": dict,
    "donnees": dict,
    "indicateurs": list,
    "mesures": list,
}
_DU_TERRITOIRE = {"cle": str, "code": str, "nom": str, "maille": str, "communes": list}


@dataclass(frozen=True)
class Evaluation:
    """Ce qui a changé depuis un instantané.

    Attributes
    ----------
    territoire : Territoire
        Le territoire d'aujourd'hui.
    table : DataFrame
        Une ligne par indicateur (:func:`evaluer`).
    remarques : tuple of str
        Ce qui empêche de comparer sans précaution : périmètre changé, autre version, registre absent.
    """

    territoire: Territoire
    table: pd.DataFrame
    remarques: tuple[str, ...]


def figer(
    cible: Territoire | str,
    fichier: str | Path,
    *,
    indicateurs: list[str] | None = None,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
) -> Path:
    """Écrit l'instantané T0 d'un territoire : toutes ses mesures, avec leur statut et leur provenance.

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    fichier : path
        Fichier JSON à écrire ; remplacé d'un coup s'il existe.
    indicateurs, annee, apports, options
        Voir :func:`cafdiag.mesurer`.

    Returns
    -------
    Path
        Le fichier écrit.

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu, DemandeFausse, ProductionImpossible
        Demande fausse ; fichier qui ne peut pas être écrit.

    Examples
    --------
    >>> import tempfile
    >>> ici = Path(tempfile.mkdtemp()) / "t0.json"
    >>> figer("200048551", ici, indicateurs=["PE_TXCOUV_GLOBAL"]).name
    't0.json'
    >>> evaluer(ici).table[["valeur_t0", "valeur_t1", "constat"]].to_dict("records")
    [{'valeur_t0': 79.9, 'valeur_t1': 79.9, 'constat': 'même année'}]
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    options = options or Options()
    mesures = _avec_serie(mesurer(cible, indicateurs, annee=annee, apports=apports, options=options))
    contenu = {
        "format": FORMAT,
        "cafdiag": _VERSION,
        "cog": geographie(),
        "territoire": {nom: getattr(cible, nom) for nom in ("cle", "code", "nom", "maille")}
        | {"communes": list(cible.communes)},
        "options": asdict(options),
        "donnees": _empreintes(apports),
        "indicateurs": sorted(set(mesures["indicateur"])) if indicateurs else [],
        "mesures": [{nom: _simple(v) for nom, v in ligne.items()} for ligne in mesures.to_dict("records")],
    }
    contenu["controle"] = _controle(contenu)
    return ecrire_atomique(fichier, json.dumps(contenu, ensure_ascii=False, indent=1) + "\n")


def _controle(t0: dict) -> str:
    """L'empreinte de ce qui a été figé : une main qui y passe ensuite se voit."""
    reste = {cle: valeur for cle, valeur in t0.items() if cle != "controle"}
    return hashlib.sha256(json.dumps(reste, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _simple(valeur):
    """Une valeur que JSON sait écrire ; un manquant est nul, jamais zéro."""
    if pd.isna(valeur):
        return None
    return valeur.item() if isinstance(valeur, np.generic) else valeur


def _empreintes(apports: Apports | None) -> dict:
    embarquees = (dossier("data") / "empreintes.json").read_bytes()
    return {
        "embarquees": hashlib.sha256(embarquees).hexdigest(),
        "entrepot": {
            nom: "" if entrepot.sans_empreinte(entree["jeu"]) else entree["sha256"]
            for nom, entree in sorted(entrepot.entrees().items())
        },
        "registre": "fourni" if apports and apports.compte_rendu else "",
        "registre_complet": sorted(apports.departements_complets) if apports else [],
    }


def _avec_serie(mesures: pd.DataFrame) -> pd.DataFrame:
    series, calculs = series_des_taux(), dictionnaire()["calcul"]
    de_la_cnaf = mesures["indicateur"].map(calculs).isin(CALCULS_DES_TAUX)
    lues = [series.get(a, "") if cnaf else "" for a, cnaf in zip(mesures["annee"], de_la_cnaf, strict=True)]
    return mesures[_CHAMPS].assign(serie=lues)


def evaluer(fichier: str | Path, *, apports: Apports | None = None) -> Evaluation:
    """Recalcule les mesures d'un instantané avec les données d'aujourd'hui, et dit ce qui a changé.

    Un écart plus petit que ce que l'arrondi ou l'estimation laissent d'incertitude n'est pas une évolution. Deux
    années de séries différentes ne se comparent pas. Les options sont celles de l'instantané.

    Parameters
    ----------
    fichier : path
        Fichier écrit par :func:`figer`.
    apports : Apports, optional
        Données de l'utilisateur, à jour.

    Returns
    -------
    Evaluation
        ``table`` : ``indicateur``, ``libelle``, ``unite``, puis ``annee``, ``valeur``, ``modalite`` et ``statut``
        à T0 et à T1, ``bas_t1`` et ``haut_t1`` (l'encadrement de T1, s'il est connu), ``ecart``,
        ``dans_l_incertitude`` (vrai, faux, manquant si l'incertitude n'est pas chiffrée),
        ``constat`` (« hausse », « baisse », « dans l'incertitude », « même année », « révisé », « rupture »,
        « autre périmètre », « plus mesuré », « désormais mesuré », « non mesuré », « disparu », « nouveau »…) et
        ``motif``.

    Raises
    ------
    EntreeFautive
        Fichier illisible, ou qui n'est pas un instantané : tous les défauts d'un coup.
    TerritoireInconnu
        Le territoire n'existe plus.
    """
    t0 = _lire(Path(fichier))
    cible = territoire(t0["territoire"]["cle"])
    voulus = [c for c in t0["indicateurs"] if c in dictionnaire().index]
    # Aucun indicateur n'avait été choisi : tous ceux d'aujourd'hui, les nouveaux compris.
    actuelles = _avec_serie(
        mesurer(cible, voulus or None, apports=apports, options=Options(**t0["options"]))
    ).set_index("indicateur")
    figees = pd.DataFrame(t0["mesures"], columns=[*_CHAMPS, "serie"]).set_index("indicateur")
    deplace = _communes_d_alors(t0) != set(cible.communes)
    lignes = [
        _comparer(code, *(t.loc[code] if code in t.index else None for t in (figees, actuelles)), deplace=deplace)
        for code in dict.fromkeys([*figees.index, *actuelles.index])
    ]
    return Evaluation(cible, pd.DataFrame(lignes), tuple(_remarques(t0, cible, apports)))


def _communes_d_alors(t0: dict) -> set[str]:
    """Les communes de l'instantané, sous leurs codes d'aujourd'hui : une fusion de communes ne déplace rien."""
    return {
        actuel
        for code in t0["territoire"]["communes"]
        for actuel in (passages()[code].codes if code not in fiches()["commune"] and code in passages() else (code,))
    }


def _comparer(code: str, avant: pd.Series | None, apres: pd.Series | None, *, deplace: bool) -> dict:
    """Une ligne de l'évaluation ; ``deplace`` : le territoire n'a plus les communes de l'instantané."""
    dite = apres if apres is not None else avant
    # Le code vient de l'un ou de l'autre.
    assert dite is not None
    ligne = {"indicateur": code, "libelle": dite["libelle"], "unite": dite["unite"]}
    for suffixe, mesure in (("t0", avant), ("t1", apres)):
        for champ in ("annee", "valeur", "modalite", "statut"):
            vide = float("nan") if champ == "valeur" else ""
            lue = vide if mesure is None or pd.isna(mesure[champ]) else mesure[champ]
            ligne[f"{champ}_{suffixe}"] = lue
    mesures = [m for m in (avant, apres) if m is not None and pd.notna(m["valeur"])]
    ecart = float(mesures[1]["valeur"]) - float(mesures[0]["valeur"]) if len(mesures) == 2 else float("nan")
    constat, motif, incertain = _constater(code, avant, apres, ecart)
    if constat == "rupture":
        ecart = float("nan")
    elif deplace and len(mesures) == 2 and constat != "même année":
        # Ni une évolution, ni une révision de la source : deux territoires.
        constat, motif, incertain = "autre périmètre", _AUTRE_PERIMETRE, None
    bas, haut = (float("nan"),) * 2 if apres is None else _encadrer(code, apres)
    dits = {"ecart": ecart, "dans_l_incertitude": incertain, "constat": constat, "motif": motif}
    return ligne | {"bas_t1": bas, "haut_t1": haut} | dits


def _constater(
    code: str, avant: pd.Series | None, apres: pd.Series | None, ecart: float
) -> tuple[str, str, bool | None]:
    """Constat, motif, et si l'écart tient dans l'incertitude."""
    if apres is None:
        return "disparu", "cet indicateur n'existe plus dans cette version de cafdiag", None
    if avant is None:
        return "nouveau", "cet indicateur n'était pas dans l'instantané", None
    mesuree = [pd.notna(m["valeur"]) for m in (avant, apres)]
    if not all(mesuree):
        constats = {
            (True, False): "plus mesuré",
            (False, True): "désormais mesuré",
            (False, False): "non mesuré",
        }
        return constats[tuple(mesuree)], str((apres if not mesuree[1] else avant)["motif"]), None
    if dates(avant) == dates(apres):
        nature = "même année" if ecart == 0 and avant["modalite"] == apres["modalite"] else "révisé"
        return (
            nature,
            "" if nature == "même année" else "la source a changé ce chiffre de la même année",
            None,
        )
    couture = [r for a, r in RUPTURES.get(code, {}).items() if avant["annee"] < a <= apres["annee"]]
    if avant["serie"] != apres["serie"] or couture:
        return "rupture", couture[0] if couture else "deux séries de la Cnaf, qui ne se comparent pas", None
    # L'année de la mesure n'est que celle d'un terme : l'autre a pu changer sans elle.
    termes = f"{avant['millesime']} puis {apres['millesime']}" if avant["annee"] == apres["annee"] else ""
    (bas0, haut0), (bas1, haut1) = _encadrer(code, avant), _encadrer(code, apres)
    if any(np.isnan([bas0, haut0, bas1, haut1])):
        incertaine = "estimation dont l'incertitude n'est pas chiffrée"
        return _sens(ecart), " ; ".join(m for m in (termes, incertaine) if m), None
    # Deux encadrements qui se touchent ne se distinguent pas.
    incertain = bool(bas0 <= haut1 + 1e-9 and bas1 <= haut0 + 1e-9) and ecart != 0
    return "dans l'incertitude" if incertain else _sens(ecart), termes, incertain


def _sens(ecart: float) -> str:
    return "stable" if ecart == 0 else "hausse" if ecart > 0 else "baisse"


def _encadrer(code: str, mesure: pd.Series) -> tuple[float, float]:
    """Entre quoi est la vraie valeur : l'encadrement donné, sinon l'arrondi de publication."""
    if pd.notna(mesure["bas"]) and pd.notna(mesure["haut"]):
        return float(mesure["bas"]), float(mesure["haut"])
    if mesure["statut"] != "exact":
        return float("nan"), float("nan")
    demi = DEMI_TAUX if dictionnaire().at[code, "calcul"] in CALCULS_DES_TAUX else 0.0
    return float(mesure["valeur"]) - demi, float(mesure["valeur"]) + demi


def _remarques(t0: dict, cible: Territoire, apports: Apports | None) -> list[str]:
    avant, apres = _communes_d_alors(t0), set(cible.communes)
    remarques = list(cible.avertissements)
    # Les instantanés d'avant n'ont pas d'empreinte.
    if t0.get("controle", controle := _controle(t0)) != controle:
        remarques.append("l'instantané a été modifié depuis qu'il a été figé : ses chiffres ne sont plus ceux de T0")
    for verbe, communes in (("entrées", apres - avant), ("sorties", avant - apres)):
        if communes:
            remarques.append(
                f"le périmètre a changé, communes {verbe} : {', '.join(sorted(communes))} ; "
                "une partie des écarts vient de là"
            )
    if t0["cog"] != geographie():
        suite = f" ; « --geographie {t0['cog']} » le relit dans la sienne" if t0["cog"] in ANNEES else ""
        remarques.append(f"l'instantané est au COG {t0['cog']}, le calcul au COG {geographie()}{suite}")
    if t0["cafdiag"] != _VERSION:
        remarques.append(f"instantané de cafdiag {t0['cafdiag']}, évalué avec {_VERSION}")
    actuelles = _empreintes(apports)
    if t0["donnees"].get("registre") and not actuelles["registre"]:
        remarques.append("l'instantané s'appuyait sur un registre de structures, qui n'est pas donné ici")
    if t0["donnees"] == actuelles:
        muettes = bool(actuelles["registre"]) or "" in actuelles["entrepot"].values()
        dites = "les données publiques n'ont pas" if muettes else "les données n'ont pas"
        suite = " ; ce qu'un partenaire a remis n'y laisse pas d'empreinte" if muettes else ""
        remarques.append(f"{dites} changé depuis l'instantané{suite}")
    return remarques


def _lire(chemin: Path) -> dict:
    """Lit un instantané et le contrôle ; tous les défauts d'un coup."""
    attendu = f"un instantané écrit par « cafdiag figer » ({FORMAT})"
    try:
        t0 = json.loads(chemin.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as cause:
        raise fichier_illisible(chemin, cause, attendu=attendu) from cause
    defauts = _defauts(t0)
    if defauts:
        raise EntreeFautive(chemin.name, defauts, attendu=attendu, conseil="reprenez le fichier d'origine")
    return t0


def _defauts(t0) -> list[str]:
    if not isinstance(t0, dict) or t0.get("format") != FORMAT:
        return ["ce n'est pas un instantané de cafdiag"]
    defauts = [
        f"« {nom} » absent ou d'un autre type"
        for nom, t in _ATTENDUS.items()
        if not isinstance(t0.get(nom), t)
    ]
    if not defauts:
        lieu = t0["territoire"]
        defauts = [
            f"territoire : « {nom} » absent ou d'un autre type"
            for nom, t in _DU_TERRITOIRE.items()
            if not isinstance(lieu.get(nom), t)
        ]
        inconnues = sorted(set(t0["options"]) - {c.name for c in fields(Options)})
        defauts += [f"option inconnue : « {nom} »" for nom in inconnues]
        for rang, mesure in enumerate(t0["mesures"]):
            if not isinstance(mesure, dict) or not isinstance(mesure.get("indicateur"), str):
                defauts.append(f"mesure {rang + 1} : indicateur absent")
                continue
            lus = {c: mesure.get(c) for c in ("valeur", "bas", "haut", "annee", "statut")}
            faux = [c for c in ("valeur", "bas", "haut", "annee")
                    if isinstance(lus[c], bool) or not isinstance(lus[c], int | float | None)]  # fmt: skip
            faux += ["statut"] if lus["statut"] not in _STATUTS else []
            defauts += [f"mesure {rang + 1} ({mesure['indicateur']}) : {c} « {lus[c]} »" for c in faux]
        codes = [m["indicateur"] for m in t0["mesures"] if isinstance(m, dict) and isinstance(m.get("indicateur"), str)]
        defauts += [f"indicateur « {c} » mesuré {n} fois" for c, n in Counter(codes).items() if n > 1]
    return defauts
