"""Insee : population municipale, et naissances domiciliées."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    exiger,
    refuser,
    simple,
    trouver,
    trouver_tout,
)
from cafdiag.donnees.lecteurs.millesimes import millesime_cache, siecle
from cafdiag.donnees.lecteurs.recollement import mouvants
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.magasin import lire_table

SOURCE_POPULATION = "Insee, populations légales"
SOURCE_NAISSANCES = "Insee, état civil, naissances domiciliées"
_POPULATION = (r"p(?P<a>\d\d)_pop|pmun_?(?P<b>(20)?\d\d)|pop(ulation)?_?(mun(icipale)?)?_?(?P<c>(19|20)\d\d)|"
               r"psdc_?(?P<d>(19|20)?\d\d)")
_POPULATION_SANS_AN = r"pmun|population_municipale|population|pop_mun(icipale)?"
_NAISSANCES = r"nais(d|sances)?_?(?P<an>(19|20)?\d\d)"


def nom_population(an: int) -> str:
    """Nom de la colonne dans la table communale.

    >>> nom_population(2023), nom_population(2018)
    ('population_2023', 'pmun_2018')
    """
    # Le référentiel tient 2020 et après sous « population_ » ; 2018 a gardé le nom du fichier Insee.
    return "pmun_2018" if an == 2018 else f"population_{an}"


def _colonnes_population(entete: list[str]) -> dict[str, int]:
    trouvees = {}
    for nom, m in trouver_tout(entete, _POPULATION).items():
        an = next(g for g in (m["a"], m["b"], m["c"], m["d"]) if g)
        if len(an) in (2, 4):
            trouvees[nom] = siecle(an)
    return trouvees


def reconnait_populations(brut: Brut) -> bool:
    """Une population par commune, en colonnes datées ou non, ou en forme longue (POPREF)."""
    entete = brut.entete
    if trouver(entete, "geo") and trouver(entete, "obs_value") and trouver(entete, "popref_measure"):
        return True
    if trouver(entete, "history") and trouver(entete, "cle"):
        return True
    # Dans la liste des EPCI de la DGCL, pmun_2025 est la population en vigueur en 2025, donc celle de 2022.
    if trouver(entete, r"siren_membre|siren|siren_epci"):
        return False
    a_code = trouver(entete, *COMMUNE) or (trouver(entete, "codcom") and trouver(entete, "coddep|dep"))
    return bool(a_code and (_colonnes_population(entete) or trouver(entete, "pmun|population_municipale")))


def lire_populations(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Population municipale : donnees_communes.csv, colonnes datées, forme longue ou historique."""
    brut = lire_tableau(chemin, feuille=feuille)
    chantier = Chantier(brut, "communes", annee=annee)
    if trouver(brut.entete, "obs_value"):
        return _long(chantier, source=SOURCE_POPULATION, nommer=nom_population,
                     mesure=("popref_measure", ("PMUN",)), genre="RP")
    if trouver(brut.entete, "history"):
        return _historique(chantier)
    serie = _codes_composes(chantier)
    codes = chantier.communes(serie)
    chantier.connus(codes)
    datees = _colonnes_population(brut.entete)
    seule = None if datees else trouver(brut.entete, *_POPULATION_SANS_AN.split("|"))
    if not datees and seule is None:
        raise refuser(brut, "colonne absente : population municipale", attendu="PMUN, PMUN23, P22_POP…")
    valeurs = pd.DataFrame({nom: chantier.nombres(nom)[0] for nom in (datees or [seule])})
    _refuser_non_entiers(chantier, valeurs)
    chantier.sans_doublon([codes], valeurs)
    chantier.refuser_si_vide("une ligne par commune")
    garde = chantier.garde
    table = valeurs[garde].set_axis(codes[garde].to_numpy())
    if seule:
        datees = {seule: millesime_cache(chantier, table[seule])}
    table = table.rename(columns={c: nom_population(a) for c, a in datees.items()})
    table = table.rename_axis("code").reset_index()
    confronter(chantier, table)
    if len(datees) > 2:
        _taire_perimetres_changes(chantier, table, sorted(datees.values()))
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"])
    annees = sorted(datees.values())
    return chantier.rendre(table, annees=annees, source=SOURCE_POPULATION, millesime=f"RP {annees[-1]}")


def _refuser_non_entiers(chantier: Chantier, valeurs: pd.DataFrame) -> None:
    for nom in valeurs:
        casse = valeurs[nom].mod(1).gt(0)
        # Les populations du recensement (P22_POP) ont des décimales ; une population municipale est entière.
        if not re.fullmatch(r"p\d\d_pop", simple(nom)) or casse.mean() < 0.01:
            chantier.rejeter(casse, f"{nom} : une population municipale est un entier", chantier.brut.table[nom])


def _codes_composes(chantier: Chantier) -> pd.Series:
    """Colonne des codes, ou département + numéro de commune (« 01 » et « 1 » ; « 971 » et « 101 »)."""
    brut = chantier.brut
    nom = trouver(brut.entete, *COMMUNE[:3])
    # Dans les fichiers « ensemble » d'avant 2021, COM est le nom de la commune.
    if nom and brut.table[nom].str.fullmatch(r"\d{4,6}|2[ABab]\d{3}").mean() > 0.5:
        return brut.table[nom]
    numero, departement = trouver(brut.entete, "codcom"), trouver(brut.entete, "coddep|code_departement", "dep")
    if numero is None or departement is None:
        nom = nom or trouver(brut.entete, *COMMUNE)
        if nom is None:
            raise refuser(brut, "colonne absente : code de la commune")
        return brut.table[nom]
    dep = brut.table[departement].str.zfill(2)
    com = brut.table[numero].str.zfill(3)
    # Outre-mer, le numéro à trois chiffres répète le dernier chiffre du département (971, 101 → 97101).
    outre_mer = dep.str.len().eq(3)
    return (dep + com).where(~outre_mer, dep.str.slice(0, 2) + com)


def _taire_perimetres_changes(chantier: Chantier, table: pd.DataFrame, annees: list[int]) -> None:
    """Dans une série, une commune nouvelle porte parfois, avant sa création, la population du seul chef-lieu.

    Le périmètre a changé quand la population croît de plus de 5 % d'une année à l'autre là où le
    référentiel connaît une fusion : les années d'avant sont tues, pas devinées.
    """
    fusionnees = set(lire_table("passage_cog", colonnes=["code"])["code"])
    candidates = table["code"].isin(fusionnees)
    noms = [nom_population(a) for a in annees]
    muettes = 0
    for i in range(len(noms) - 1, 0, -1):
        saut = candidates & (table[noms[i]] > 1.05 * table[noms[i - 1]])
        avant = noms[:i]
        muettes += int(table.loc[saut, avant].notna().to_numpy().sum())
        table.loc[saut, avant] = float("nan")
    if muettes:
        chantier.remarques.append(
            f"{muettes} population(s) d'avant une fusion non reprises : elles ne portent que sur le chef-lieu")


def confronter(chantier: Chantier, table: pd.DataFrame) -> None:
    """Tait une population isolée que le référentiel contredit, la même année, pour une commune inchangée.

    Quand presque tout le reste est égal, un écart est un chiffre abîmé ou une rectification : le
    référentiel reste. Quand beaucoup diffère, c'est une autre définition : elle est gardée, et dite.
    """
    referentiel = lire_table("communes").set_index("code")
    stables = ~table["code"].isin(mouvants())
    for nom in [c for c in table if c in referentiel and c.startswith("population_")]:
        attendu = table["code"].map(referentiel[nom].astype("float64").to_dict())
        juge = stables & attendu.notna() & table[nom].notna()
        ecart = juge & attendu.ne(table[nom])
        if not ecart.any() or juge.sum() < 20:
            continue
        codes = ", ".join(table.loc[ecart, "code"].head(5))
        if ecart.sum() <= max(1, 0.02 * juge.sum()):
            table.loc[ecart, nom] = float("nan")
            chantier.remarques.append(f"{nom} : {int(ecart.sum())} valeur(s) que le référentiel contredit, "
                                      f"non reprises ({codes})")
        else:
            chantier.remarques.append(f"{nom} : {int(ecart.sum())} valeur(s) différentes du référentiel ({codes}…)")


def _historique(chantier: Chantier) -> Lecture:
    """Objet par code : ``{"01001": {"history": {"2020": 806, …}}}``."""
    brut = chantier.brut
    colonne = trouver(brut.entete, "history")
    codes = chantier.communes(trouver(brut.entete, "cle"))
    chantier.connus(codes)
    lignes, faux = [], []
    for texte in brut.table[colonne]:
        try:
            objet = {int(a): float(v) for a, v in json.loads(texte).items() if v is not None}
        except (ValueError, AttributeError, TypeError):
            objet = {}
        faux.append(not objet or any(not 1800 < a < 2100 or v < 0 for a, v in objet.items()))
        lignes.append(objet)
    chantier.rejeter(faux, "historique illisible", brut.table[colonne])
    garde = chantier.garde
    table = pd.DataFrame([o for o, g in zip(lignes, garde, strict=True) if g])
    table = table.reindex(columns=sorted(table.columns))
    annees = list(map(int, table.columns))
    table.columns = [nom_population(a) for a in annees]
    table.insert(0, "code", codes[garde].to_numpy())
    chantier.refuser_si_vide("une population par année et par commune")
    confronter(chantier, table)
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=annees, source=SOURCE_POPULATION, millesime=f"RP {annees[-1]}")


def reconnait_naissances(brut: Brut) -> bool:
    """Naissances par commune et par année, en lignes (Melodi) ou en colonnes (NAISD23…)."""
    entete = brut.entete
    if trouver(entete, "geo") and trouver(entete, "obs_value") and trouver(entete, "time_period"):
        mesure = trouver(entete, "ec_measure")
        if mesure is None or brut.table[mesure].empty:
            return mesure is not None
        return bool(brut.table[mesure].isin(["LVB", "LVB_DOM", "NAIS"]).any()
                    or brut.table[mesure].str.contains("LVB|NAIS|BIRTH").any())
    return bool(trouver(entete, *COMMUNE) and trouver_tout(entete, _NAISSANCES))


def lire_naissances(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Naissances domiciliées, une colonne par année."""
    brut = lire_tableau(chemin, feuille=feuille)
    chantier = Chantier(brut, "communes", annee=annee)
    if trouver(brut.entete, "obs_value"):
        return _long(chantier, source=SOURCE_NAISSANCES, nommer=lambda a: f"naissances_{a}",
                     mesure=("ec_measure", None), genre="état civil")
    roles = exiger(brut, commune=COMMUNE)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
    annees = {nom: siecle(m["an"]) for nom, m in trouver_tout(brut.entete, _NAISSANCES).items()}
    valeurs = pd.DataFrame({nom: chantier.nombres(nom)[0] for nom in annees})
    chantier.sans_doublon([codes], valeurs)
    chantier.refuser_si_vide("une ligne par commune")
    garde = chantier.garde
    table = valeurs[garde].rename(columns={n: f"naissances_{a}" for n, a in annees.items()})
    table.insert(0, "code", codes[garde])
    table = chantier.au_cog(table.reset_index(drop=True), additives=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=annees.values(), source=SOURCE_NAISSANCES,
                           millesime=f"état civil {max(annees.values())}")


def _long(chantier: Chantier, *, source: str, nommer, mesure: tuple, genre: str) -> Lecture:
    """Forme longue de Melodi : GEO, GEO_OBJECT, TIME_PERIOD, OBS_VALUE → une colonne par année."""
    brut = chantier.brut
    roles = exiger(brut, geo=("geo",), annee=("time_period",), valeur=("obs_value",))
    chantier.mailles_communales()
    colonne, valeurs_admises = mesure
    nom_mesure = trouver(brut.entete, colonne)
    if nom_mesure:
        admises = valeurs_admises or _naissances_vivantes(brut, nom_mesure)
        chantier.rejeter(~brut.table[nom_mesure].isin(admises), "autre mesure", brut.table[nom_mesure])
    if freq := trouver(brut.entete, "freq"):
        chantier.rejeter(~brut.table[freq].isin(["A", ""]), "chiffre d'une partie de l'année", brut.table[freq])
    codes = chantier.codes_geo(roles["geo"])
    chantier.connus(codes)
    ans, raisons = lire_annee(brut.table[roles["annee"]])
    chantier.rejeter_selon(raisons, brut.table[roles["annee"]])
    # Une année qui n'a que quelques lignes parmi des milliers est une année abîmée.
    comptes = ans.map(ans.value_counts())
    chantier.rejeter((comptes < 0.02 * comptes.max()).fillna(False), "année isolée dans le fichier",
                     brut.table[roles["annee"]])
    valeurs, _ = chantier.nombres(roles["valeur"])
    chantier.sans_doublon([codes, ans.astype("str")], valeurs.to_frame("v"))
    chantier.refuser_si_vide("des lignes GEO_OBJECT = COM")
    garde = chantier.garde
    table = (pd.DataFrame({"code": codes[garde].to_numpy(), "an": ans[garde].astype(int).to_numpy(),
                           "v": valeurs[garde].to_numpy()})
             .pivot(index="code", columns="an", values="v"))
    annees = list(map(int, table.columns))
    table.columns = [nommer(a) for a in annees]
    table = chantier.au_cog(table.reset_index(), additives=list(table.columns))
    return chantier.rendre(table, annees=annees, source=source, millesime=f"{genre} {annees[-1]}")


def _naissances_vivantes(brut: Brut, colonne: str) -> list[str]:
    presentes = list(brut.table[colonne].unique())
    return [m for m in presentes if "LVB" in m or "NAIS" in m.upper() or "BIRTH" in m.upper()] or presentes


LECTEURS = (
    Lecteur("insee_populations", "population municipale par commune", lambda b: 0.6 * reconnait_populations(b),
            lire_populations, ("CODGEO", "PMUN", "P22_POP")),
    Lecteur("insee_naissances", "naissances domiciliées par commune", lambda b: 0.9 * reconnait_naissances(b),
            lire_naissances, ("GEO", "GEO_OBJECT", "EC_MEASURE", "TIME_PERIOD", "OBS_VALUE")),
)
