"""Insee : population municipale, et naissances domiciliées."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.au_cog import mouvants
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    Chantier,
    annee_de_colonne,
    exiger,
    millesime_cache,
    refuser,
    siecle,
    simple,
    trouver,
    trouver_tout,
)
from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.donnees.nettoyage import nombre
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.geographie import ANCIENNE
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime, plusieurs
from cafdiag.territoires import a_jour, membres
from cafdiag.territoires.passage import geographie_des

SOURCE_POPULATION = "Insee, populations légales"
SOURCE_NAISSANCES = "Insee, état civil, naissances domiciliées"
_POPULATION = (r"p(?P<a>\d\d)_pop|pmun_?(?P<b>(20)?\d\d)|pop(ulation)?_?(mun(icipale)?)?_?(?P<c>(19|20)\d\d)|"
               r"psdc_?(?P<d>(19|20)?\d\d)")
_POPULATION_SANS_AN = r"pmun|population_municipale|population|pop_mun(icipale)?"
# Recensements là où il n'est pas annuel (à Mayotte, il l'est pour les populations de 2026 et après) ; le
# Pacifique, hors du champ, n'a jamais de population ici.
_RECENSEMENTS = {"976": plusieurs("recensement.mayotte"), **dict.fromkeys(("984", "986", "987", "988", "989"), ())}
_RECENSES_CHAQUE_ANNEE = {"976": millesime("recensement.mayotte_annuel")}
_NAISSANCES = r"nais(d|sances)?_?(?P<an>(19|20)?\d\d)"


def nom_population(an: int) -> str:
    """Nom de la colonne dans la table communale.

    >>> nom_population(2023), nom_population(2018)
    ('population_2023', 'pmun_2018')
    """
    # Le référentiel tient 2020 et après sous « population_ » ; 2018 a gardé le nom du fichier Insee.
    return f"pmun_{an}" if an == millesime("population.ancienne") else f"population_{an}"


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
    codes = chantier.codes(serie)
    datees = _colonnes_population(brut.entete)
    seule = None if datees else trouver(brut.entete, *_POPULATION_SANS_AN.split("|"))
    if not datees and seule is None:
        raise refuser(brut, "colonne absente : population municipale", attendu="PMUN, PMUN23, P22_POP…")
    # Celle de l'année de la municipale : une autre porterait une année qui n'est pas la sienne.
    totales = list(trouver_tout(brut.entete, r"ptot(_?\d+)?|population_?totale(_?\d+)?"))
    totale = next((c for c in totales if not datees or annee_de_colonne(c) in (None, *datees.values())), None)
    if autres := [c for c in totales if c != totale]:
        chantier.remarques.append(f"{', '.join(autres)} : population totale d'une autre année, non reprise")
    lues = [*(datees or [seule]), *([totale] if totale else [])]
    valeurs = pd.DataFrame({nom: chantier.nombres(nom)[0] for nom in lues})
    _refuser_non_entiers(chantier, valeurs)
    chantier.sans_doublon([codes], valeurs)
    chantier.refuser_si_vide("une ligne par commune")
    garde = chantier.garde
    table = valeurs[garde].set_axis(codes[garde].to_numpy())
    if seule:
        datees = {seule: millesime_cache(chantier, table[seule])}
    table = table.rename(columns={c: nom_population(a) for c, a in datees.items()})
    if totale is not None:
        if len(datees) == 1:
            table = table.rename(columns={totale: f"population_totale_{next(iter(datees.values()))}"})
        else:
            table = table.drop(columns=totale)
            chantier.remarques.append(f"{totale} n'est pas reprise : plusieurs années de population municipale")
    if apart := trouver(brut.entete, r"pcap(_?\d+)?"):
        chantier.remarques.append(f"{apart} (population comptée à part) n'est pas employée : c'est {totale or 'PTOT'} "
                                  "moins la municipale")
    table = table.rename_axis("code").reset_index()
    table = au_referentiel(chantier, table)
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


def recensee(codes: pd.Series, an: int) -> pd.Series:
    """Vrai là où la population de l'année vient d'un recensement de cette année-là.

    Mayotte et le Pacifique ne sont pas recensés chaque année : les fichiers y répètent un recensement plus
    ancien (2017 à Mayotte) sous tous les millésimes. La construction des tables embarquées suit la même règle.

    >>> recensee(pd.Series(["97601", "53130", "98735"]), 2023).tolist(), recensee(pd.Series(["97601"]), 2017).tolist()
    ([False, True, False], [True])
    """
    oui = pd.Series(True, index=codes.index)
    for prefixe, annees in _RECENSEMENTS.items():
        if an not in annees and an < _RECENSES_CHAQUE_ANNEE.get(prefixe, 9999):
            oui &= ~codes.str.startswith(prefixe, na=False)
    return oui


def au_referentiel(chantier: Chantier, table: pd.DataFrame) -> pd.DataFrame:
    """Populations au COG de référence, selon la règle de la construction, la seule.

    Rien n'est réparti entre les communes d'une scission ; une population qui n'est pas de l'année qu'elle
    annonce est tue ; le référentiel l'emporte là où un fichier ne dit, d'une commune nouvelle, que son chef-lieu.
    """
    table = chantier.au_cog(table, additives=[c for c in table if c not in ("code", *_statuts_de(table))], cle=None)
    totales = {_an_de(c): c for c in table if re.fullmatch(r"population_totale_\d{4}", c)}
    noms = {c: _an_de(c) for c in table if c not in ("code", *totales.values(), *_statuts_de(table))}
    repetees = {}
    for nom, an in noms.items():
        faux = table[nom].notna() & ~recensee(table["code"], an)
        if faux.any():
            repetees[nom] = table.loc[faux, "code"]
            table[nom] = table[nom].mask(faux)
    if repetees:
        codes = sorted(set(pd.concat(list(repetees.values()))))
        chantier.remarques.append(
            f"{len(codes)} commune(s) de Mayotte ou du Pacifique sans recensement de l'année : la population d'un "
            f"recensement plus ancien, répétée, n'est pas reprise ({', '.join(codes[:3])}…)")
    confronter(chantier, table)
    _taire_chefs_lieux(chantier, table, noms)
    for an, nom in totales.items():
        # La municipale tue, la totale du même périmètre l'est aussi.
        table[nom] = table[nom].mask(table[nom_population(an)].isna())
    return table


def _an_de(nom: str) -> int:
    return int(nom[-4:])


def _statuts_de(table: pd.DataFrame) -> list[str]:
    return [c for c in table if c.endswith("__statut")]


def _taire_chefs_lieux(chantier: Chantier, table: pd.DataFrame, noms: dict[str, int]) -> None:
    """Tait la population d'une commune née d'une fusion ou d'une scission quand elle n'est pas la sienne.

    Un fichier donne parfois, sous le code d'une commune nouvelle, la population du seul chef-lieu, et sous celui
    d'une commune rétablie, celle de l'ancien ensemble. L'année connue du référentiel en décide ; pour une autre,
    un saut de plus de 5 % par an d'une année à la suivante : l'année d'avant est tue, pas devinée.
    """
    referentiel = lire_table("communes").set_index("code")
    touchees = table["code"].isin(_arrivees() & set(table["code"]))
    series = {a: _du_referentiel(referentiel[f"population_{a}"], table["code"])
              for a in sorted(_an_de(c) for c in referentiel if re.fullmatch(r"population_\d{4}", c))}
    tus: set[str] = set()

    def taire(nom: str, masque: pd.Series) -> None:
        masque &= touchees & table[nom].notna()
        tus.update(table.loc[masque, "code"])
        table[nom] = table[nom].mask(masque)

    for nom, an in noms.items():
        # Une commune rétablie dont une sœur est vide porte peut-être encore l'ancien ensemble.
        for soeurs in _scissions():
            ici = table["code"].isin(soeurs)
            if table.loc[ici, nom].notna().sum() < len(soeurs):
                taire(nom, ici)
        if an in series:
            taire(nom, series[an].notna() & series[an].ne(table[nom]))
    connues = series | {an: table[nom] for nom, an in noms.items() if an not in series}
    # Du référentiel vers le passé, puis vers l'avenir : au-delà d'un changement de territoire, on ne va pas.
    passees = sorted((an for an in connues if an < min(series)), reverse=True)
    a_venir = sorted(an for an in connues if an > max(series))
    for chemin in ([min(series), *passees], [max(series), *a_venir]):
        for voisine, an in pairwise(chemin):
            nom = next(n for n, a in noms.items() if a == an)
            marge = 1 + 0.05 * abs(voisine - an)
            ici, la = table[nom], connues[voisine]
            # À vingt habitants près : une petite commune varie d'autant sans que ses limites bougent.
            saut = (la > marge * ici) | (ici > marge * la)
            taire(nom, saut & (la - ici).abs().gt(20) | la.isna())
            connues[an] = table[nom]
    if tus:
        chantier.remarques.append(
            f"{len(tus)} commune(s) nées d'une fusion ou d'une scission : population non reprise, celle du "
            f"seul chef-lieu ou d'un autre périmètre ({', '.join(sorted(tus)[:5])}{'…' if len(tus) > 5 else ''})")


def _du_referentiel(population: pd.Series, codes: pd.Series) -> pd.Series:
    """La population du référentiel pour chaque code ; manquante s'il ne le connaît pas."""
    return population.reindex(codes).astype("float64").set_axis(codes.index)


def _scissions() -> list[set[str]]:
    passage = lire_table("passage_cog", colonnes=["code_ancien", "code", "type"])
    return [set(g) for _, g in passage[passage["type"].eq("scission")].groupby("code_ancien")["code"]]


def _arrivees() -> frozenset[str]:
    """Communes actuelles dont le territoire a changé (fusion, scission)."""
    passage = lire_table("passage_cog", colonnes=["code", "type"])
    return frozenset(passage.loc[passage["type"].ne("changement_code"), "code"])


def confronter(chantier: Chantier, table: pd.DataFrame) -> None:
    """Tait une population isolée que le référentiel contredit, la même année, pour une commune inchangée.

    Quand presque tout le reste est égal, un écart est un chiffre abîmé ou une rectification : le
    référentiel reste. Quand beaucoup diffère, c'est une autre définition : elle est gardée, et dite.
    """
    referentiel = lire_table("communes").set_index("code")
    stables = table["code"].map(lambda code: code not in mouvants()).astype(bool)
    for nom in [c for c in table if c in referentiel and c.startswith("population_")]:
        attendu = _du_referentiel(referentiel[nom], table["code"])
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
    roles = exiger(brut, code=("cle",), historique=("history",))
    colonne = roles["historique"]
    codes = chantier.codes(roles["code"])
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
    table = au_referentiel(chantier, table)
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
    codes = chantier.codes()
    annees = {nom: siecle(m["an"]) for nom, m in trouver_tout(brut.entete, _NAISSANCES).items()}
    valeurs = pd.DataFrame({nom: chantier.nombres(nom)[0] for nom in annees})
    for nom in valeurs:
        chantier.rejeter(valeurs[nom].mod(1).gt(0), f"{nom} : des naissances sont un entier", brut.table[nom])
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
    ans = chantier.annees(brut.table[roles["annee"]])
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
    _confronter_aux_mailles(chantier, roles, table, {a: nommer(a) for a in annees})
    if nommer is nom_population:
        table = au_referentiel(chantier, table.reset_index())
    else:
        table = chantier.au_cog(table.reset_index(), additives=list(table.columns))
    return chantier.rendre(table, annees=annees, source=source, millesime=f"{genre} {annees[-1]}")


_MAILLES_DU_FICHIER = {"DEP": "departement", "REG": "region", "EPCI": "epci"}


def _confronter_aux_mailles(chantier: Chantier, roles: dict[str, str], table: pd.DataFrame,
                            noms: dict[int, str]) -> None:
    """Compare la somme des communes aux lignes d'EPCI, de département et de région du même fichier.

    L'Insee ne les accorde pas toujours (le Cantal de 2014 à 2016) : l'écart se dit, rien n'est corrigé.
    """
    brut = chantier.brut
    objet = trouver(brut.entete, "geo_object")
    if objet is None:
        return
    freq, nom_mesure = trouver(brut.entete, "freq"), trouver(brut.entete, "ec_measure|popref_measure")
    communes = lire_table("communes", colonnes=["code", "type", *_MAILLES_DU_FICHIER.values()])
    communes = communes[communes["type"].eq("COM")].set_index("code")
    # Les EPCI sont ceux du fichier, de 2025 ou d'aujourd'hui.
    sirens = brut.table.loc[brut.table[objet].eq("EPCI"), roles["geo"]].str.split("-").str[-1]
    annee = geographie_des(sirens, defaut=ANCIENNE)
    communes["epci"] = membres(f"epci_{annee}").set_index("commune")["code"]
    # La table est encore dans la géographie du fichier : une commune scindée y est avec ses sœurs.
    bouges = a_jour([c for c in table.index if c in mouvants() or c not in communes.index])
    premieres = bouges["cibles"].fillna(bouges["code_origine"]).str.split().str[0]
    premieres = dict(zip(bouges["code_origine"], premieres, strict=True))
    arrivees = [premieres.get(c, c) for c in table.index]
    lignes = brut.table[brut.table[objet].isin(_MAILLES_DU_FICHIER)]
    for colonne, admis in ((freq, ["A", ""]), (nom_mesure, set(brut.table.loc[chantier.garde, nom_mesure])
                                               if nom_mesure else ())):
        if colonne:
            lignes = lignes[lignes[colonne].isin(admis)]
    valeurs = nombre(lignes[roles["valeur"]])[0]
    ans = lire_annee(lignes[roles["annee"]])[0]
    codes = lignes[roles["geo"]].str.replace(r"^\d{4}-(DEP|REG|EPCI)-", "", regex=True)
    ecarts = []
    for sigle, maille in _MAILLES_DU_FICHIER.items():
        siennes = lignes[objet].eq(sigle)
        if not siennes.any():
            continue
        # Une somme à qui il manque une commune n'est pas une somme.
        groupes = communes[maille].reindex(arrivees).to_numpy()
        sommes = table[list(noms.values())].groupby(groupes).sum(skipna=False)
        if sommes.empty:
            continue
        rang, colonne = sommes.index.get_indexer(codes[siennes]), pd.Index(noms).get_indexer(ans[siennes])
        sommees = np.where((rang >= 0) & (colonne >= 0), sommes.to_numpy(dtype=float)[rang, colonne], np.nan)
        faux = ~np.isnan(sommees) & (np.round(sommees) != valeurs[siennes].to_numpy())
        ecarts += [f"{maille} {code} en {an}, {somme:.0f} pour {publie:.0f}" for code, an, somme, publie in zip(
            codes[siennes][faux], ans[siennes][faux], sommees[faux], valeurs[siennes][faux], strict=True)]
    if ecarts:
        chantier.remarques.append(
            f"contrôle : la somme des communes n'est pas la ligne publiée pour {len(ecarts)} territoire(s) et "
            "année(s) : " + " ; ".join(ecarts[:5]) + ("…" if len(ecarts) > 5 else ""))


def _naissances_vivantes(brut: Brut, colonne: str) -> list[str]:
    presentes = list(brut.table[colonne].unique())
    return [m for m in presentes if "LVB" in m or "NAIS" in m.upper() or "BIRTH" in m.upper()] or presentes


LECTEURS = (
    Lecteur("insee_populations", "population municipale par commune", lambda b: 0.6 * reconnait_populations(b),
            lire_populations, ("CODGEO", "PMUN", "P22_POP")),
    Lecteur("insee_naissances", "naissances domiciliées par commune", lambda b: 0.9 * reconnait_naissances(b),
            lire_naissances, ("GEO", "GEO_OBJECT", "EC_MEASURE", "TIME_PERIOD", "OBS_VALUE")),
)
