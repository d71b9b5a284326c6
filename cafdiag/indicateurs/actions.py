"""Les actions d'une convention : lire le tableau que l'usager remplit, et dire où en est chacune.

Un indicateur qui va vers sa cible ne dit pas que l'action en est la cause : on le constate, rien de plus.
"""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.donnees.registres_champs import lire_date
from cafdiag.donnees.releves import Colonne, Valeur, lire_montant, lire_releve, lire_valeur
from cafdiag.erreurs import EntreeFautive, NonLu
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.instantane import Evaluation
from cafdiag.territoires.normalisation import normaliser

MODELE = "cafdiag diagnostic CODE --formats fiches"
COLONNES = {
    "action": Colonne("Action", ("actions", "intitulé", "intitulé de l'action"), obligatoire=True),
    "enjeu": Colonne("Enjeu ou objectif", ("enjeu", "objectif")),
    "pilote": Colonne("Pilote", ("pilotes", "qui pilote", "porteur"), obligatoire=True),
    "partenaires": Colonne("Partenaires", ("partenaire",)),
    "debut": Colonne("Début", ("date de début",)),
    "fin": Colonne("Fin", ("date de fin", "échéance")),
    "budget": Colonne("Budget (€)", ("budget", "budget total")),
    "caf": Colonne("dont Caf (€)", ("financement caf", "caf")),
    "places": Colonne("Places de crèche créées", ("places", "places créées", "places de crèche")),
    "indicateur": Colonne("Indicateur", ("code de l'indicateur", "indicateur code"), obligatoire=True),
    "t0": Colonne("T0 (rappel)", ("t0",)),
    "cible": Colonne("Cible", ("cibles", "valeur cible"), obligatoire=True),
    "remarques": Colonne("Remarques", ("remarque", "observations")),
}
_MOIS = {
    "janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8, "septembre": 9,
    "octobre": 10, "novembre": 11, "decembre": 12,
}  # fmt: skip
_SAIT_PAS = "on ne sait pas"


@dataclass(frozen=True)
class Action:
    """Une ligne du tableau des actions ; ce qui n'est pas rempli est vide ou None.

    Attributes
    ----------
    ligne : int
        Son numéro dans le fichier.
    action, enjeu, pilote, partenaires, remarques : str
    debut, fin : str
        « 2026 », « 2026-09 » ou « 2026-09-01 ».
    budget, caf, places, cible : float or None
    indicateur : str
        Code du dictionnaire.
    """

    ligne: int
    action: str
    enjeu: str = ""
    pilote: str = ""
    partenaires: str = ""
    debut: str = ""
    fin: str = ""
    budget: float | None = None
    caf: float | None = None
    places: float | None = None
    indicateur: str = ""
    cible: float | None = None
    remarques: str = ""


def lire_actions(chemin: str | Path) -> tuple[Action, ...]:
    """Lit le tableau des actions (xlsx, ods ou CSV).

    Raises
    ------
    EntreeFautive
        Fichier illisible, colonne absente, action sans pilote, cible ou budget qui n'est pas un nombre, indicateur
        inconnu, date illisible : tous les défauts d'un coup, avec leur ligne.

    Examples
    --------
    >>> import tempfile
    >>> fichier = Path(tempfile.mkdtemp()) / "actions.csv"
    >>> lignes = ["Action;Pilote;Indicateur;Cible", "Ouvrir une crèche;CCAS;PE_TXCOUV_EAJE;12,5"]
    >>> _ = fichier.write_text("\\n".join(lignes), "utf-8")
    >>> [(a.ligne, a.pilote, a.indicateur, a.cible) for a in lire_actions(fichier)]
    [(2, 'CCAS', 'PE_TXCOUV_EAJE', 12.5)]
    """
    releve = lire_releve(chemin, COLONNES, modele=MODELE)
    # Un total n'est pas une action : ce tableau se relit sans que rien n'en soit mis de côté.
    defauts = [f"{ou} : un total n'est pas une action" for ou in releve.cumuls]
    actions: list[Action] = []
    vues: dict[tuple[str, str], str] = {}
    for ligne in releve.lignes:
        action, siens = _lire_action(ligne.numero, {c: _nu(x) for c, x in ligne.textes.items()})
        defauts += [f"{ligne.ou} : {d}" for d in siens]
        cle = (normaliser(action.action), action.indicateur)
        if action.action and vues.setdefault(cle, ligne.ou) != ligne.ou:
            defauts.append(f"{ligne.ou} : même action et même indicateur qu'à la {vues[cle]}")
        actions.append(action)
    if defauts:
        raise EntreeFautive(
            releve.fichier,
            defauts,
            attendu="par ligne : une action, un pilote, un indicateur du dictionnaire, une cible en nombre",
            conseil="corrigez ces lignes, ou effacez celles que vous ne retenez pas",
        )
    # La feuille des indicateurs est la nôtre : ne pas la lire ne se dit pas.
    for remarque in releve.remarques:
        if "« Indicateurs »" not in remarque:
            warnings.warn(f"{releve.fichier} : {remarque}", NonLu, stacklevel=2)
    return tuple(actions)


def _nu(texte: str) -> str:
    """Une case sans ses espaces, ni l'apostrophe qui protégeait un texte d'être pris pour une formule."""
    return re.sub(r"^'(?=[=+\-@])", "", texte.strip())


def _lire_action(numero: int, valeurs: Mapping[str, str]) -> tuple[Action, list[str]]:
    textes = {c: valeurs.get(c, "") for c in ("action", "enjeu", "pilote", "partenaires", "remarques")}
    defauts = [f"sans {nom}" for champ, nom in (("action", "intitulé d'action"), ("pilote", "pilote"))
               if not textes[champ]]  # fmt: skip
    code, defaut = lire_indicateur(valeurs.get("indicateur", ""))
    defauts += [defaut] if defaut else []
    nombres: dict[str, float | None] = {}
    for champ, nom, unite in (
        ("budget", "budget", "euros"), ("caf", "part de la Caf", "euros"), ("places", "places", "places"),
    ):  # fmt: skip
        lu, defaut = lire_montant(nom, valeurs.get(champ, ""), unite)
        nombres[champ] = None if math.isnan(lu) else lu
        defauts += [defaut] if defaut else []
    caf, budget, places = nombres["caf"], nombres["budget"], nombres["places"]
    if caf is not None and budget is not None and caf > budget:
        defauts.append(f"part de la Caf ({caf:.0f} €) plus grande que le budget ({budget:.0f} €)")
    cible, defaut = _cible(valeurs.get("cible", ""), code)
    defauts += [defaut] if defaut else []
    dates = {}
    for champ, nom in (("debut", "début"), ("fin", "fin")):
        periode = dates[champ] = lire_periode(valeurs.get(champ, ""))
        if periode is None:
            defauts.append(f"date de {nom} illisible « {valeurs[champ]} » (AAAA, MM/AAAA ou JJ/MM/AAAA)")
        elif periode and not 2000 <= bornes_de(periode)[0].year < 2100:
            defauts.append(f"date de {nom} « {valeurs[champ]} » : une année de 2000 à 2099 est attendue")
    if dates["debut"] and dates["fin"] and bornes_de(dates["fin"])[1] < bornes_de(dates["debut"])[0]:
        defauts.append(f"fin ({valeurs['fin']}) avant le début ({valeurs['debut']})")
    lue = Action(
        numero, textes["action"], textes["enjeu"], textes["pilote"], textes["partenaires"],
        dates["debut"] or "", dates["fin"] or "", budget, caf, places, code, cible, textes["remarques"],
    )  # fmt: skip
    return lue, defauts


def lire_indicateur(texte: str) -> tuple[str, str]:
    """Le code d'un indicateur écrit par son code ou son libellé, et ce qui l'en empêche ; vide s'il n'y en a pas.

    Examples
    --------
    >>> lire_indicateur("pe_txcouv_eaje"), lire_indicateur("")
    (('PE_TXCOUV_EAJE', ''), ('', ''))
    >>> lire_indicateur("PE_TXCOUV_EAGE")[1]
    'indicateur inconnu « PE_TXCOUV_EAGE » (PE_TXCOUV_EAJE, PE_TXCOUV_AM, PE_TXCOUV_GAD ?)'
    """
    table, mots = dictionnaire(), normaliser(texte)
    if not mots:
        return "", ""
    # « PE_TXCOUV_EAJE : Accueil collectif », tel qu'on le recopie de la liste.
    ecrit = re.split(r"\s*[:–(]", texte.strip())[0].strip().upper()
    if ecrit in table.index:
        return ecrit, ""
    if len(plusieurs := [m for m in re.split(r"[\s,;+/]+", ecrit) if m in table.index]) > 1:
        return "", f"{len(plusieurs)} indicateurs « {texte} » : un seul par ligne (répétez l'action)"
    libelles: dict[str, list[str]] = {}
    for code, ligne in table.iterrows():
        for dit in {normaliser(ligne["libelle"]), normaliser(ligne["libelle_court"])}:
            libelles.setdefault(dit, []).append(str(code))
    if len(trouves := libelles.get(mots, [])) == 1:
        return trouves[0], ""
    proches = trouves or difflib.get_close_matches(ecrit, list(table.index), n=3, cutoff=0.6)
    if not proches:
        proches = [
            c
            for dit in difflib.get_close_matches(mots, list(libelles), n=3, cutoff=0.6)
            for c in libelles[dit]
        ]
    propositions = f" ({', '.join(proches[:3])} ?)" if proches else " (voir « cafdiag indicateurs »)"
    return "", f"indicateur {'ambigu' if trouves else 'inconnu'} « {texte} »{propositions}"


def _lire_nombre(texte: str) -> Valeur:
    lu = lire_valeur(texte)
    # « 10 à 12 » : deux nombres ne font pas une cible.
    return Valeur(illisible=True) if re.search(r"\d", lu.unite) or math.isnan(lu.nombre) else lu


def _cible(texte: str, code: str) -> tuple[float | None, str]:
    """La cible, dans l'unité de l'indicateur."""
    if not texte:
        return None, ""
    lu = _lire_nombre(texte)
    if lu.illisible:
        return None, f"cible « {texte} » n'est pas un nombre"
    if lu.milliers:
        return None, f"cible « {texte} » : des milliers ou des décimales ? écrivez par exemple 12 500 ou 12,5"
    if not code:
        return lu.nombre, ""
    unite, evolution = str(dictionnaire().at[code, "unite"]), code.endswith("_EVOL")
    if "%" in lu.unite and unite != "%":
        return None, f"cible « {texte} », mais {code} se compte en {unite}"
    if unite == "%" and "%" not in lu.unite and 0 < abs(lu.nombre) < 1:
        # Un tableur garde « 85 % » comme 0,85 : rien ne dit si c'est cela.
        choix = f"{100 * lu.nombre:g} % ou {texte} %"
        return None, f"cible « {texte} » : {choix} ? écrivez le signe % dans une case de texte"
    if not evolution and texte.startswith(("+", "-", "−")):
        return None, f"cible « {texte} » : un écart ; écrivez le niveau à atteindre ({unite})"
    if not evolution and (lu.nombre < 0 or (unite == "%" and lu.nombre > 100)):
        return None, f"cible « {texte} » hors de ce que {code} peut valoir ({unite})"
    return lu.nombre, ""


def lire_periode(texte: str) -> str | None:
    """Une année, un mois ou un jour, en ISO ; vide si rien n'est écrit, None si cela ne se lit pas.

    Examples
    --------
    >>> [lire_periode(x) for x in ("2027", "09/2027", "Septembre 2027", "15/09/2027", "", "bientôt", "13/2027")]
    ['2027', '2027-09', '2027-09', '2027-09-15', '', None, None]
    """
    texte = " ".join(texte.split())
    if not texte:
        return ""
    if jour := lire_date(texte):
        return jour.isoformat()
    if re.fullmatch(r"(19|20|21)\d\d", texte):
        return texte
    mois = re.fullmatch(r"(?P<m>\d\d?)[/.\-](?P<a>\d{4})|(?P<a2>\d{4})-(?P<m2>\d\d?)", texte)
    if mois:
        annee, rang = mois["a"] or mois["a2"], int(mois["m"] or mois["m2"])
    else:
        nom, _, annee = normaliser(texte).rpartition(" ")
        rang = _MOIS.get(nom, 0)
    return f"{annee}-{rang:02d}" if 1 <= rang <= 12 and re.fullmatch(r"(19|20|21)\d\d", annee) else None


def bornes_de(periode: str) -> tuple[dt.date, dt.date]:
    """Premier et dernier jour d'une période.

    >>> [str(d) for d in bornes_de("2027-02")]
    ['2027-02-01', '2027-02-28']
    """
    annee, *reste = (int(x) for x in periode.split("-"))
    if not reste:
        return dt.date(annee, 1, 1), dt.date(annee, 12, 31)
    mois = reste[0]
    if len(reste) == 1:
        return dt.date(annee, mois, 1), dt.date(annee, mois, calendar.monthrange(annee, mois)[1])
    return (jour := dt.date(annee, mois, reste[1])), jour


# --- Où en est-on ---


def suivre(evaluation: Evaluation, actions: tuple[Action, ...]) -> pd.DataFrame:
    """Où en est chaque action : T0, T1, cible, état, et pourquoi on ne sait pas quand on ne sait pas.

    Parameters
    ----------
    evaluation : Evaluation
        :func:`cafdiag.evaluer`.
    actions : tuple of Action

    Returns
    -------
    DataFrame
        Une ligne par action : ``ligne``, ``action``, ``pilote``, ``fin``, ``indicateur``, ``libelle``, ``unite``,
        ``annee``, ``valeur`` et ``statut`` à T0 et à T1, ``cible``, ``etat``, ``motif``. ``etat`` : « cible
        atteinte », « cible peut-être atteinte », « vers la cible », « s'éloigne de la cible », « n'a pas bougé », ou
        « on ne sait pas ».
    """
    table = evaluation.table.set_index("indicateur")
    lignes = []
    for action in actions:
        mesure = table.loc[action.indicateur] if action.indicateur in table.index else None
        etat, motif = _situer(action, mesure)
        textes = ("libelle", "unite", "annee_t0", "annee_t1", "statut_t0", "statut_t1")
        lues = {c: "" if mesure is None else mesure[c] for c in textes}
        lues |= {c: math.nan if mesure is None else mesure[c] for c in ("valeur_t0", "valeur_t1")}
        lignes.append(
            {
                "ligne": action.ligne,
                "action": action.action,
                "pilote": action.pilote,
                "fin": action.fin,
                "indicateur": action.indicateur,
                "libelle": lues["libelle"],
                "unite": lues["unite"],
                **{f"{c}_t{n}": lues[f"{c}_t{n}"] for n in (0, 1) for c in ("annee", "valeur", "statut")},
                "cible": math.nan if action.cible is None else action.cible,
                "etat": etat,
                "motif": motif,
            }
        )
    return pd.DataFrame(lignes)


def _situer(action: Action, mesure: pd.Series | None) -> tuple[str, str]:
    if not action.indicateur:
        return _SAIT_PAS, "aucun indicateur : cette action se suit autrement"
    if mesure is None:
        return _SAIT_PAS, "l'instantané ne porte pas cet indicateur"
    if action.cible is None:
        return _SAIT_PAS, "aucune cible"
    constat = str(mesure["constat"])
    if pd.isna(mesure["valeur_t1"]) or pd.isna(mesure["valeur_t0"]):
        return _SAIT_PAS, str(mesure["motif"]) or f"l'indicateur est {constat}"
    if constat == "même année":
        return _SAIT_PAS, f"aucune donnée plus récente que T0 ({mesure['annee_t0']:.0f})"
    if constat in ("rupture", "autre périmètre", "révisé"):
        return _SAIT_PAS, str(mesure["motif"])
    t0, t1, cible = float(mesure["valeur_t0"]), float(mesure["valeur_t1"]), action.cible
    avant = bool(action.debut) and int(mesure["annee_t1"]) < bornes_de(action.debut)[0].year
    precede = f"la donnée ({mesure['annee_t1']:.0f}) précède le début de l'action" if avant else ""
    sens = 1 if cible > t0 else -1 if cible < t0 else 0
    etat, motif = _rejoint(mesure, cible, sens, t1)
    if etat:
        return etat, " ; ".join(m for m in (motif, precede) if m)
    if avant:
        return _SAIT_PAS, precede
    if constat == "dans l'incertitude":
        return _SAIT_PAS, "l'écart depuis T0 tient dans l'incertitude"
    if constat == "stable":
        return "n'a pas bougé", str(mesure["motif"])
    va = 1 if t1 > t0 else -1
    return ("vers la cible" if va == sens else "s'éloigne de la cible"), str(mesure["motif"])


def _rejoint(mesure: pd.Series, cible: float, sens: int, t1: float) -> tuple[str, str]:
    """« cible atteinte » si même le pire de l'encadrement y est ; « peut-être » si la cible y est comprise."""
    bas, haut = float(mesure["bas_t1"]), float(mesure["haut_t1"])
    if math.isnan(bas) or math.isnan(haut):
        passee = t1 == cible if sens == 0 else (t1 - cible) * sens >= 0
        return (
            ("cible peut-être atteinte", "estimation dont l'incertitude n'est pas chiffrée")
            if passee
            else ("", "")
        )
    if sens == 0:
        # Une cible égale à T0 : s'y tenir.
        return ("cible atteinte", "") if bas <= cible <= haut else ("", "")
    if (sens > 0 and bas >= cible) or (sens < 0 and haut <= cible):
        return "cible atteinte", ""
    if round(t1 - cible, 9) == 0:
        return "cible atteinte", "à l'arrondi près"
    if bas <= cible <= haut:
        return "cible peut-être atteinte", f"la vraie valeur est entre {bas:.1f} et {haut:.1f}".replace(
            ".", ","
        )
    return "", ""
