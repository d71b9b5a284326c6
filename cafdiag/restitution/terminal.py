"""Ce qu'un terminal montre : des colonnes alignées, des libellés avant les codes, des nombres à la française.

Rien n'y dépend de la largeur de la fenêtre : la même demande écrit les mêmes octets partout.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.indicateurs.dictionnaire import THEMES
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import (
    FINE,
    INSECABLE,
    STATUTS,
    avec_unite,
    date,
    date_de,
    decimales_de,
    intervalle,
    majuscule,
    nombre,
    pluriel,
    statut,
)
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

if TYPE_CHECKING:
    from cafdiag.indicateurs.instantane import Evaluation

# Ce qui désigne sans se lire : après ce qui se lit.
_CODES = ("code", "codes", "indicateur", "territoire")
_NOMBRES_NUS = ("annee", "rang", "cog")
_JOUR = re.compile(r"\d{4}-\d\d-\d\d")
_VALEURS = ("valeur", "ecart", "bas", "haut", "mediane", "q1", "q3")
ROLES = ("territoire", "departement", "region", "france", "comparables")
# Un nom de colonne n'a pas d'accents ; ce qu'il nomme en a.
_ACCENTS = {
    "annee": "année", "cout": "coût", "decimales": "décimales", "densite": "densité", "denominateur": "dénominateur",
    "departement": "département", "echec": "échec", "ecart": "écart", "equipement": "équipement",
    "etat": "état", "evolution": "évolution", "frequence": "fréquence", "hypothese": "hypothèse",
    "importee": "importée", "libelle": "libellé", "mediane": "médiane", "methode": "méthode",
    "millesime": "millésime", "modalite": "modalité", "numerateur": "numérateur", "numero": "numéro",
    "periode": "période", "precision": "précision", "projete": "projeté", "qualite": "qualité",
    "quantite": "quantité", "region": "région", "reperes": "repères", "role": "rôle", "regle": "règle",
    "schema": "schéma", "serie": "série", "theme": "thème", "unite": "unité",
}  # fmt: skip
_ENTETES = {"rang_haut": "rang", "precision_lieu": "précision du lieu", "reserve": "à savoir", "dernier_echec": "échec"}
_MOTS = {
    "statut": {cle: statut.libelle for cle, statut in STATUTS.items()}
    | {
        "lu": "publié",
        "infere": "déduit",
        "a_confirmer": "à confirmer",
        "conflit": "sources contraires",
        "declare": "donné par vous",
        "encadre": "encadré",
    },
    "role": {role: majuscule(_ACCENTS.get(role, role)) for role in ROLES},
    "maille": LIBELLES_MAILLES,
}
# Au-delà, ce que rien ne chiffre quitte le tableau pour une liste.
_TUS_AU_TABLEAU = 5
_LARGEUR, _LIBELLE, _VALEUR = 70, 52, 20
# Les constats d'une évaluation où rien n'a bougé, et ceux dont l'écart ne dit pas une évolution.
_IMMOBILES = ("même année", "stable", "dans l'incertitude", "non mesuré")
_INCOMPARABLES = ("rupture", "autre périmètre", "disparu", "nouveau")


def tableau_en_texte(table: pd.DataFrame) -> str:
    """Une table quelconque, pour un terminal : codes en dernier, nombres à la française, manquants laissés vides.

    Parameters
    ----------
    table : DataFrame
        Ses colonnes, sauf l'index ; ``unite``, si elle y est, règle les décimales de chaque ligne.

    Returns
    -------
    str
        Une ligne par rangée, sous une ligne d'en-tête.

    Examples
    --------
    >>> vide = float("nan")
    >>> t = pd.DataFrame({"code": ["53", "49"], "nom": ["Mayenne", "Maine-et-Loire"], "part": [12.5, vide]})
    >>> print(tableau_en_texte(t))
    nom             part  code
    Mayenne         12,5  53
    Maine-et-Loire        49
    """
    rangee = sorted(table.columns, key=lambda c: str(c) in _CODES)
    entetes, rangees, a_droite = en_colonnes(table[rangee])
    return aligner([[en_tete(nom) for nom in entetes], *rangees], a_droite)


def en_tete(nom: str) -> str:
    """Ce qui se lit en tête d'une colonne.

    >>> en_tete("annee"), en_tete("precision_lieu"), en_tete("q1")
    ('année', 'précision du lieu', 'q1')
    """
    return _ENTETES.get(nom) or " ".join(_ACCENTS.get(mot, mot) for mot in nom.split("_"))


def en_colonnes(
    table: pd.DataFrame, *, unites: Sequence[Any] = (), vides: Sequence[str] = (), large: int = _LARGEUR
) -> tuple[list[str], list[list[str]], list[bool]]:
    """Une table quelconque en textes : noms des colonnes, rangées, et lesquelles sont des nombres.

    Parameters
    ----------
    table : DataFrame
        Ses colonnes, sauf l'index.
    unites, vides : sequence, optional
        Pour chaque rangée, l'unité qui règle ses décimales (par défaut, sa colonne ``unite``), et ce qui s'écrit à la
        place d'un nombre absent (par défaut, rien).
    large : int
        Au-delà, un texte est coupé.
    """
    unites = unites or (table["unite"].tolist() if "unite" in table else [None] * len(table))
    vides = vides or [""] * len(table)
    colonnes = [table[nom] for nom in table.columns]
    a_droite = [pd.api.types.is_numeric_dtype(c) and c.dtype != bool for c in colonnes]
    cases = [_cases(c, unites, vides, large) for c in colonnes]
    return [str(nom) for nom in table.columns], [list(r) for r in zip(*cases, strict=True)], a_droite


def _cases(colonne: pd.Series, unites: Sequence[Any], vides: Sequence[str], large: int) -> list[str]:
    nom = str(colonne.name)
    if colonne.dtype == bool:
        return ["oui" if v else "non" for v in colonne]
    if not pd.api.types.is_numeric_dtype(colonne):
        mots = _MOTS.get(nom, {})
        return ["" if est_vide(v) else _court(mots.get(v) or _case(v), large) for v in colonne]
    if nom.startswith(_NOMBRES_NUS):
        return [vide if est_vide(v) else str(int(v)) for v, vide in zip(colonne, vides, strict=True)]
    places = _places(colonne)
    if nom in dictionnaire().index:
        # Un tableau croisé : une colonne par indicateur.
        places = int(dictionnaire().at[nom, "decimales"])
        return [nombre(v, decimales=places, vide=vide) for v, vide in zip(colonne, vides, strict=True)]
    d_unite = nom.startswith(_VALEURS) or nom in ROLES
    if d_unite:
        places = min(places, 1)
    return [
        nombre(v, decimales=decimales_de(u) if d_unite and not est_vide(u) else places, vide=vide)
        for v, u, vide in zip(colonne, unites, vides, strict=True)
    ]


def _case(valeur: object) -> str:
    if isinstance(valeur, float):
        return nombre(valeur, vide="")
    texte = str(valeur)
    return date(texte) if _JOUR.fullmatch(texte) else texte


def _places(colonne: pd.Series) -> int:
    """Les décimales qu'il faut à toute la colonne, trois au plus."""
    connues = colonne.dropna().astype(float)
    return next((d for d in range(3) if (connues.round(d) == connues.round(3)).all()), 3)


def _court(texte: str, large: int) -> str:
    texte = " ".join(texte.split())
    return texte if len(texte) <= large else texte[: large - 1] + "…"


def _clair(texte: str) -> str:
    """Sans espaces insécables : une console ancienne ne les a pas."""
    return texte.replace(FINE, " ").replace(INSECABLE, " ")


def aligner(rangees: Sequence[Sequence[str]], a_droite: Sequence[bool]) -> str:
    """Des rangées de textes en colonnes alignées, sans espaces insécables : une console ancienne ne les a pas."""
    rangees = [[_clair(case) for case in rangee] for rangee in rangees]
    larges = [max(len(rangee[i]) for rangee in rangees) for i in range(len(a_droite))]
    return "\n".join(
        "  ".join(
            case.rjust(large) if droite else case.ljust(large)
            for case, large, droite in zip(rangee, larges, a_droite, strict=True)
        ).rstrip()
        for rangee in rangees
    )


# --- Des mesures ---


def mesures_en_texte(mesures: pd.DataFrame) -> str:
    """Mesures en clair, pour un terminal : une ligne par mesure ; côte à côte s'il y a plusieurs territoires.

    Parameters
    ----------
    mesures : DataFrame
        Ce que rendent :func:`cafdiag.mesurer` ou :func:`cafdiag.comparer`, d'un ou de plusieurs territoires.

    Returns
    -------
    str
        D'un territoire : libellé et valeur, puis statut, source, motif et code. De plusieurs : un tableau, une
        colonne par territoire, la date de la ligne ou celle de chaque case, puis les symboles, les motifs et les
        sources. Un manquant garde son symbole.

    Examples
    --------
    >>> from cafdiag.indicateurs import mesurer
    >>> print(mesures_en_texte(mesurer("200048551", ["PE_TXCOUV_EAJE"])).splitlines()[1].strip()[:76])
    Taux de couverture par les établissements d'accueil (EAJE) : 9,6 places pour
    >>> print(mesures_en_texte(pd.concat([mesurer(t, ["PE_NAISS"]) for t in ("53", "49")])).splitlines()[1])
    Naissances domiciliées, naissances, 2025    2 747           7 709  PE_NAISS
    """
    lieux = list(dict.fromkeys(zip(mesures["territoire"], mesures["nom"], strict=True)))
    texte = _cote_a_cote(mesures, lieux) if len(lieux) > 1 else _a_la_suite(mesures)
    return _clair(texte)


def _par_theme(codes: Sequence[str]) -> dict[str, list[str]]:
    """Les indicateurs dans leur ordre, réunis par thème."""
    themes: dict[str, list[str]] = {}
    for code in dict.fromkeys(codes):
        themes.setdefault(str(dictionnaire().at[code, "theme"]), []).append(code)
    return themes


def _a_la_suite(mesures: pd.DataFrame) -> str:
    lignes = [str(mesures["nom"].iloc[0])] if len(mesures) else []
    themes = _par_theme(mesures["indicateur"])
    for theme, codes in themes.items():
        if len(themes) > 1:
            lignes += ["", THEMES[theme]]
        for m in mesures[mesures["indicateur"].isin(codes)].to_dict("records"):
            etat = statut(m["statut"])
            dits = [etat.libelle, ", ".join(x for x in (m["source"], str(m["millesime"])) if x.strip())]
            bornes = intervalle(m["bas"], m["haut"], decimales=decimales_de(m["unite"]), unite=m["unite"])
            if etat.chiffre and len(set(bornes.split(" à "))) == 2:
                dits.append(f"entre {bornes.replace(' à ', ' et ')}")
            dits += [m["motif"]] if m["motif"] else []
            lignes += [f"  {m['libelle']} : {_valeur(m)}", f"      {' ; '.join(dits)} ({m['indicateur']})"]
    return "\n".join(lignes)


def _valeur(m: dict) -> str:
    etat = statut(m["statut"])
    if not etat.chiffre:
        return dire_bornes(m, decimales_de(m["unite"]), unite=m["unite"]) or etat.symbole
    valeur = avec_unite(m["valeur"], m["unite"])
    # L'unité redit que c'est le mode dominant : l'intitulé l'a dit.
    return f"{m['modalite']} ({valeur.partition(' (')[0]})" if m["modalite"] else valeur


def _cote_a_cote(mesures: pd.DataFrame, lieux: list[tuple[str, str]]) -> str:
    par_case = {(m["indicateur"], m["territoire"], m["nom"]): m for m in mesures.to_dict("records")}
    notes: dict[str, int] = {}
    tetes = [textwrap.wrap(nom, _VALEUR) for _, nom in lieux]
    haut = max(len(t) for t in tetes)
    rangees = [
        ["", *((([""] * (haut - len(t))) + t)[i] for t in tetes), ""] for i in range(haut)
    ]
    muets = _muets(mesures)
    tus = [code for codes in muets.values() for code in codes]
    if len(tus) <= _TUS_AU_TABLEAU:
        muets, tus = {}, []
    themes = _par_theme(mesures.loc[~mesures["indicateur"].isin(tus), "indicateur"])
    for theme, codes in themes.items():
        if len(themes) > 1:
            rangees += [[""] * (len(lieux) + 2), [THEMES[theme], *[""] * (len(lieux) + 1)]]
        for code in codes:
            siennes = [par_case.get((code, *lieu)) for lieu in lieux]
            dite = next(m for m in siennes if m)
            # Deux termes comparés ont la même date, ou chacun dit la sienne.
            dates = {date_de(m) for m in siennes if m and _dit(m)} - {""}
            commune = f", {min(dates)}" if len(dates) == 1 else ""
            libelle = textwrap.wrap(f"{dite['libelle']}, {dite['unite']}{commune}", _LIBELLE, subsequent_indent="  ")
            cases = (_case_de(m, notes, datee=len(dates) > 1) for m in siennes)
            rangees.append([libelle[0], *cases, code])
            rangees += [[suite, *[""] * (len(lieux) + 1)] for suite in libelle[1:]]
    lignes = [aligner(rangees, [False, *[True] * len(lieux), False])]
    symboles = {STATUTS[s].symbole: STATUTS[s].libelle for s in STATUTS if s in set(mesures["statut"])}
    pied = " ; ".join(f"{symbole} : {libelle}" for symbole, libelle in symboles.items() if symbole)
    lignes += ["", pied] if pied else [""]
    lignes += [f"[{rang}] {motif}" for motif, rang in notes.items()]
    lignes += ["", "Sans chiffre pour aucun de ces territoires :"] if muets else []
    for motif, codes in muets.items():
        libelles = dictionnaire().loc[codes, "libelle"]
        lignes += [f"  {majuscule(motif)}", *(f"    {libelle} ({code})" for code, libelle in libelles.items())]
    sources = dict.fromkeys(
        ", ".join(x for x in (m["source"], str(m["millesime"])) if x.strip()) for m in par_case.values()
    )
    lignes.append("Sources : " + " ; ".join(s for s in sources if s))
    return "\n".join(lignes)


def _case_de(m: dict | None, notes: dict[str, int], *, datee: bool) -> str:
    """La valeur seule, son symbole, son intervalle, sa date si elle n'est pas celle des autres, le renvoi au motif."""
    if m is None:
        return ""
    etat, places = statut(m["statut"]), decimales_de(m["unite"])
    date = f" en {date_de(m)}" if datee and _dit(m) and date_de(m) else ""
    if etat.chiffre:
        texte = m["modalite"] or nombre(m["valeur"], decimales=places, unite=m["unite"])
        bornes = intervalle(m["bas"], m["haut"], decimales=places, unite=m["unite"])
        suite = f" ({bornes})" if len(set(bornes.split(" à "))) == 2 else ""
        texte += (f" {etat.symbole}" if etat.symbole else "") + suite
    else:
        texte = dire_bornes(m, places) or etat.symbole
    rangs = [str(notes.setdefault(note, len(notes) + 1)) for note in _notes_de(m)]
    return texte + date + (f" [{', '.join(rangs)}]" if rangs else "")


def _muets(mesures: pd.DataFrame) -> dict[str, list[str]]:
    """Les indicateurs que le même motif tait partout, par motif : une ligne de « n.d. » n'apprend rien de plus."""
    table = mesures.assign(tait=~mesures.apply(_dit, axis=1))
    par_code = table.groupby("indicateur", sort=False)
    muets = par_code["tait"].all() & par_code["motif"].nunique().eq(1) & par_code["statut"].nunique().eq(1)
    motifs: dict[str, list[str]] = {}
    for code in muets.index[muets]:
        if motif := par_code["motif"].first()[code]:
            motifs.setdefault(motif, []).append(code)
    return motifs


def _notes_de(m: dict) -> list[str]:
    """Les réserves d'une case, une par une : la même sert à plusieurs, et l'intervalle est déjà dans la case."""
    dites = re.sub(r"donnée absente pour [^();]+ \((fournie pour [^()]+)\)", r"donnée \1", m["motif"]).split(" ; ")
    bornes = r"(au moins|au plus|entre) [\d\s,]+" if dire_bornes(m, decimales_de(m["unite"])) else "$"
    return [d for d in dites if d and not re.match(bornes, d)]


def _dit(m: dict) -> bool:
    """Vrai si la case porte un nombre : une valeur, ou une borne."""
    return statut(m["statut"]).chiffre or bool(dire_bornes(m, decimales_de(m["unite"])))


# --- Une évaluation ---


def evaluation_en_texte(evaluation: Evaluation) -> str:
    """Ce qui a bougé depuis un instantané, et combien d'indicateurs n'ont pas bougé.

    Parameters
    ----------
    evaluation : Evaluation
        Ce que rend :func:`cafdiag.evaluer`.

    Returns
    -------
    str
        Un bloc par indicateur qui a bougé (libellé, T0 et T1 avec leur année, écart, constat, motif), puis ceux qui
        ne se comparent pas, puis le compte des autres. Une valeur absente garde son symbole.
    """
    table = evaluation.table
    constats = table["constat"]
    autres = constats.isin(_INCOMPARABLES)
    bouge = ~constats.isin(_IMMOBILES) & ~autres
    nom = evaluation.territoire.nom
    compte = int(bouge.sum())
    dit = pluriel(compte, "indicateur a bougé", "indicateurs ont bougé") if compte else "aucun indicateur n'a bougé"
    lignes = [f"{nom} : {dit} depuis l'instantané."]
    lignes += [_bouge(ligne) for ligne in table[bouge].to_dict("records")]
    if autres.any():
        lignes += ["", "Ne se comparent pas :", *(_bouge(ligne) for ligne in table[autres].to_dict("records"))]
    immobiles = constats[~bouge & ~autres].value_counts()
    if len(immobiles):
        comptes = ", ".join(f"{constat} : {immobiles[constat]}" for constat in _IMMOBILES if constat in immobiles)
        dits = pluriel(int(immobiles.sum()), "indicateur n'a pas bougé", "indicateurs n'ont pas bougé")
        lignes += ["", f"{dits} ({comptes}) ; « --format csv » les donne tous."]
    return _clair("\n".join(lignes))


def _bouge(ligne: dict) -> str:
    dites = [_date_et_valeur(ligne, suffixe) for suffixe in ("t0", "t1")]
    unite = f", {ligne['unite']}" if ligne["unite"] else ""
    constat = str(ligne["constat"])
    if not est_vide(ligne["ecart"]) and ligne["ecart"]:
        constat += f" ({nombre(ligne['ecart'], decimales=decimales_de(ligne['unite']), signe=True)})"
    motif = f" ; {ligne['motif']}" if ligne["motif"] else ""
    return (
        f"  {ligne['libelle']}{unite} ({ligne['indicateur']})\n"
        f"      {dites[0]} → {dites[1]} : {constat}{motif}"
    )


def _date_et_valeur(ligne: dict, suffixe: str) -> str:
    valeur, annee = ligne[f"valeur_{suffixe}"], ligne[f"annee_{suffixe}"]
    dite = ligne[f"modalite_{suffixe}"] or nombre(
        valeur, decimales=decimales_de(ligne["unite"]), unite=ligne["unite"], vide=_absente(ligne[f"statut_{suffixe}"])
    )
    return f"{dite} ({int(annee)})" if not est_vide(annee) else dite


def _absente(cle: str) -> str:
    return statut(cle).symbole or "n.d." if cle else "absent"
