"""Contrôler les lignes d'un registre (défauts, lignes écartées, doublons), et en tirer les tables canoniques."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection
from difflib import SequenceMatcher

import pandas as pd

from cafdiag.donnees.compte_rendu import Compte
from cafdiag.donnees.nettoyage import MANQUANTS
from cafdiag.donnees.registres_champs import AGES, AGREMENTS, ASSISTANTS, CHAMPS, TEMPS, TYPES, choisir
from cafdiag.donnees.registres_reperes import meme_voie
from cafdiag.donnees.registres_tableau import TOTAL, est_un_cumul
from cafdiag.magasin import lire_table
from cafdiag.territoires.normalisation import normaliser

_PREMIERES = [
    "type",
    "nom",
    "code",
    "adresse",
    "lon",
    "lat",
    "annee",
    "places",
    "source",
    "statut_agrement",
    "precision_lieu",
]
_PRES_M = 50.0
_PAR_TEMPS = ("places", *(f"places_{a}" for a in AGES), "heures_realisees")


def controler_alsh(table: pd.DataFrame) -> list[tuple]:
    """Défauts propres aux accueils de loisirs : places sans temps, total qui n'est pas la somme des âges.

    Les places de temps différents ne s'additionnent jamais : le même local sert le mercredi et en août.
    """
    defauts: list[tuple] = []
    alsh = table[table["type"].eq("alsh")]
    presentes = [c for c in _PAR_TEMPS if c in alsh]
    temps = alsh["temps"] if "temps" in alsh else pd.Series(pd.NA, index=alsh.index)
    sans_temps = temps.isna() & alsh[presentes].notna().any(axis=1)
    defauts += [
        (i, "temps", "", "le temps d'accueil de ces places (mercredi, août…), une ligne par temps")
        for i in alsh.index[sans_temps]
    ]
    ages = [f"places_{a}" for a in AGES]
    if "places" in alsh and set(ages) <= set(alsh.columns):
        complet = alsh[[*ages, "places"]].notna().all(axis=1)
        faux = complet & alsh[ages].sum(axis=1).ne(alsh["places"]).fillna(False)
        defauts += [
            (i, "places", str(alsh["places"][i]), f"la somme des âges, {int(alsh.loc[i, ages].sum())}")
            for i in alsh.index[faux]
        ]
    if "temps" in alsh and "nom" in alsh:
        defauts += _lieux_discordants(alsh)
    return defauts


def ecart_m(un: pd.Series, autre: pd.Series) -> float:
    """Distance en mètres entre deux lignes ; infinie si l'une n'a pas de point."""
    dx = (un["lon"] - autre["lon"]) * math.cos(math.radians(un["lat"]))
    ecart = 111_200 * math.hypot(dx, un["lat"] - autre["lat"])
    return math.inf if math.isnan(ecart) else ecart


def sites(table: pd.DataFrame) -> pd.Series:
    """Numéro du lieu de chaque ligne parmi celles qui ont même type, nom, commune et année.

    Deux adresses différentes, ou deux points à plus de cinquante mètres, sont deux lieux. Une ligne qui ne dit
    ni l'un ni l'autre est du premier.
    """
    numeros = pd.Series(0, index=table.index)
    # Un accueil de loisirs s'écrit sur plusieurs lignes, une par temps : son point, s'il varie, est un défaut.
    for _, groupe in table.groupby(_cles(table), sort=False):
        if len(groupe) < 2:
            continue
        vus: list[tuple[str, pd.Series]] = []
        par_temps = groupe["type"].eq("alsh").all() and "temps" in groupe and groupe["temps"].notna().any()
        for i, ligne in groupe.iterrows():
            adresse = meme_voie(ligne["adresse"]) if isinstance(ligne.get("adresse"), str) else ""
            for n, (autre_adresse, autre) in enumerate(vus):
                meme = not (adresse and autre_adresse) or adresse == autre_adresse
                loin = not par_temps and _PRES_M < ecart_m(ligne, autre) < math.inf
                if meme and not loin:
                    numeros[i] = n
                    break
            else:
                numeros[i] = len(vus)
                vus.append((adresse, ligne))
    return numeros


def _cles(table: pd.DataFrame, *autres: str) -> pd.Series:
    """Ce qui désigne la structure de chaque ligne : type, nom sans accent ni casse, commune, année, et ``autres``."""
    noms = table["nom"] if "nom" in table else pd.Series("", index=table.index)
    parties = [table["type"].fillna(""), noms.fillna("").map(normaliser), table["code"].fillna("")]
    parties += [table["annee"].astype("string").fillna(""), *(table[c].fillna("") for c in autres if c in table)]
    return pd.Series(list(zip(*parties, strict=True)), index=table.index, dtype=object)


def _lieux_discordants(alsh: pd.DataFrame) -> list[tuple]:
    """Un même accueil sur plusieurs lignes a un seul point."""
    defauts = []
    points = alsh.dropna(subset=["lon"])
    premiers: dict[tuple, tuple] = {}
    for i, cle in _cles(points, "_site").items():
        ici = (points["lon"][i], points["lat"][i])
        premier = premiers.setdefault(cle, ici)
        if max(abs(premier[0] - ici[0]), abs(premier[1] - ici[1])) > 1e-4:
            attendu = "le point des autres lignes de cet accueil, ou un autre nom de lieu"
            defauts.append((i, "lon", f"{ici[0]:.5f} ; {ici[1]:.5f}", attendu))
    return defauts


def assembler_alsh(table: pd.DataFrame) -> pd.DataFrame:
    """Une ligne par accueil de loisirs : ses places et ses heures deviennent des colonnes par temps et par âge.

    ``places_mercredi_moins_6``, ``places_aout`` (total du temps), ``heures_mercredi``… La colonne ``places``
    d'un ALSH reste vide : additionner des temps compterait deux fois les mêmes murs.
    """
    alsh = table["type"].eq("alsh")
    if not alsh.any() or "temps" not in table or table.loc[alsh, "temps"].isna().all():
        return table.drop(columns=["temps", *(f"places_{a}" for a in AGES)], errors="ignore")
    lignes = []
    for _, groupe in table[alsh].groupby(_cles(table[alsh], "_site"), sort=False):
        # Une case laissée vide sur la deuxième ligne du même accueil est dite par la première.
        lieu = groupe.bfill().iloc[0].drop(labels=[*_PAR_TEMPS, "temps"], errors="ignore").to_dict()
        for _, ligne in groupe.iterrows():
            if not pd.isna(ligne["temps"]):
                lieu |= _colonnes_du_temps(ligne)
        lignes.append(lieu)
    autres = table[~alsh].drop(columns=["temps", *(f"places_{a}" for a in AGES)], errors="ignore")
    rendue = pd.concat([autres, pd.DataFrame(lignes)], ignore_index=True)
    ordre = [c for t in TEMPS for c in (f"places_{t}", *(f"places_{t}_{a}" for a in AGES), f"heures_{t}")]
    ordre = [c for c in ordre if c in rendue]
    for colonne in ordre:
        rendue[colonne] = rendue[colonne].astype("float64" if colonne.startswith("heures") else "Int64")
    return rendue[[*(c for c in rendue if c not in ordre), *ordre]]


def _colonnes_du_temps(ligne: pd.Series) -> dict:
    temps, valeurs = ligne["temps"], {}
    ages = {a: ligne.get(f"places_{a}") for a in AGES}
    connus = {a: v for a, v in ages.items() if not pd.isna(v)}
    total = ligne.get("places")
    if pd.isna(total) and len(connus) == len(AGES):
        total = sum(connus.values())
    if not pd.isna(total):
        valeurs[f"places_{temps}"] = total
    valeurs |= {f"places_{temps}_{a}": v for a, v in connus.items()}
    if not pd.isna(ligne.get("heures_realisees")):
        valeurs[f"heures_{temps}"] = ligne["heures_realisees"]
    return valeurs


def table_structures(table: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Table canonique ``structures`` : colonnes convenues d'abord, le reste ensuite s'il est rempli."""
    # « Centre social / France services » : une ligne, deux agréments, deux structures au même endroit.
    table = table.drop(columns=["_site"], errors="ignore").assign(type=table["type"].str.split())
    table = table.explode("type", ignore_index=True)
    rendue = table.assign(source=source).reindex(
        columns=[*_PREMIERES, *(c for c in table if c not in _PREMIERES)]
    )
    textes = ["type", "nom", "code", "adresse", "source", "statut_agrement", "precision_lieu"]
    types = dict.fromkeys(textes, "str") | {
        "annee": "Int64",
        "places": "Int64",
        "lon": "float64",
        "lat": "float64",
    }
    rendue = rendue.astype(types).reset_index(drop=True)
    vides = [c for c in rendue if c not in _PREMIERES and rendue[c].isna().all()]
    return rendue.drop(columns=vides)


def table_assistants(table: pd.DataFrame) -> pd.DataFrame:
    """Assistants maternels sommés par commune : une colonne par grandeur et par année, jamais un point.

    Un fichier d'une ligne par agrément (sans nom ni adresse) est compté ; un fichier déjà sommé est
    additionné commune par commune. Un terme manquant rend la somme manquante.
    """
    grandeurs = {
        "assistants_maternels": "agrees",
        "assistants_maternels_en_exercice": "en_exercice",
        "places_assistants_maternels": "places",
    }
    sommes: dict[str, dict[str, int]] = {}
    for (code, annee), groupe in table.groupby(["code", "annee"]):
        for nom, champ in grandeurs.items():
            if champ in groupe:
                total = groupe[champ].sum(skipna=False)
            elif champ == "agrees":
                total = len(groupe)
            else:
                continue
            sommes.setdefault(f"{nom}_{annee}", {})[code] = total
    rendue = pd.DataFrame({c: pd.Series(v, dtype="Int64") for c, v in sommes.items()})
    return rendue.rename_axis("code").reset_index().astype({"code": "str"})


# --- Les contrôles ---


VALENT = ("agree", "renouvellement")
# Du plus net au plus vague : « agrément refusé » contient « agrément », « renouvellement refusé » aussi.
_MOTIFS = {
    "non_agree": r"\b(non|pas|plus|sans|aucun|hors)\b|refus|rejet|retir|retrait|suspen|abrog|annul|expir|echu|perim|"
    r"caduc|resili|denonc|defavorable|\bfin d|termine|clos",
    "prefiguration": r"prefigur",
    "renouvellement": r"renouvel|reconduct|reconduit|proroge|prolonge",
    "en_cours": r"\ben cours (d agrement|d instruction|d examen|de demande|d etude)|instruction|demande|depose|"
    r"\battente\b|projet|a l etude|examen|sollicit|envisage",
    "agree": r"\bagree?e?s?\b|\bagrement\b|\bvalid|\baccord|favorable|\blabel|convention|\bactif|"
    r"\bobtenu|delivre|en vigueur",
}

_MUETS = frozenset({"", "sans objet", "non concerne", "non concernee", "non renseigne", "a preciser", "inconnu", "nc"})
# « Agréé jusqu'au 31/12/2023 », « agrément 2022-2025 » : l'échéance est dans le statut.
_FIN_DITE = re.compile(
    r"(?:jusqu|expire|[ée]ch[ée]ance|valable|\bfin)\D{0,20}?(?:(\d{1,2})[/.\-](\d{1,2})[/.\-])?((?:19|20)\d\d)\b"
    r"|\b20\d\d\s*[-–/à]\s*((?:20)\d\d)\b",
    re.IGNORECASE,
)


def fin_dite(texte: str) -> dt.date | None:
    """Échéance écrite dans le statut lui-même ; une année seule vaut son dernier jour.

    >>> fin_dite("Agréé jusqu'au 30/06/2023"), fin_dite("agrément 2022-2025"), fin_dite("Agréé")
    (datetime.date(2023, 6, 30), datetime.date(2025, 12, 31), None)
    """
    trouve = _FIN_DITE.search(texte)
    if trouve is None:
        return None
    jour, mois, annee, derniere = trouve.groups()
    try:
        return dt.date(int(annee or derniere), int(mois or 12), int(jour or 31))
    except ValueError:
        return None


def lire_agrement(texte: str) -> str | None:
    """Statut d'agrément que dit un texte ; vide s'il n'en parle pas, None s'il est illisible.

    >>> [lire_agrement(t) for t in ("Agréé", "Agrément suspendu", "renouvellement refusé", "En cours de validité")]
    ['agree', 'non_agree', 'non_agree', 'agree']
    >>> [lire_agrement(t) for t in ("Demande déposée", "agréé jusqu'en 2027", "Plus agréé", "bof")]
    ['en_cours', 'agree', 'non_agree', None]
    """
    exact = choisir(CHAMPS["statut_agrement"], texte)
    if exact:
        return exact
    mots = normaliser(texte)
    if mots in _MUETS or texte.lower() in MANQUANTS:
        return ""
    if "en cours de validite" in mots or fin_dite(texte):
        return "agree"
    return next((statut for statut, motif in _MOTIFS.items() if re.search(motif, mots)), None)


def reference(annee) -> dt.date:
    """Le jour où l'on juge une structure : fin de l'année du registre, aujourd'hui s'il n'en dit pas."""
    return dt.date.today() if pd.isna(annee) else dt.date(int(annee), 12, 31)


def ecarter_non_agrees(table: pd.DataFrame, textes: pd.Series | None, compte: Compte) -> list[str]:
    """Range de côté ce qui n'est pas agréé à la date de référence ; rend ce qu'il faut dire du reste."""
    remarques: list[str] = []
    vides = pd.Series("", index=table.index)
    statuts = table.get("statut_agrement", vides).fillna("")
    fins = table.get("date_fin_agrement", pd.Series(pd.NaT, index=table.index))
    if textes is not None:
        ecrites = pd.Series({i: fin_dite(t) for i, t in textes.items()}, dtype=object)
        fins = fins.where(fins.notna(), pd.to_datetime(ecrites.reindex(table.index)))
    debuts = table.get("date_agrement", pd.Series(pd.NaT, index=table.index))
    for i in table.index:
        jour, statut = reference(table["annee"][i]), statuts[i]
        if statut and statut not in VALENT:
            libelle = AGREMENTS[statut][0].lower()
            compte.ecarts.setdefault(i, f"agrément : {libelle}, ne compte pas")
        elif pd.notna(fins[i]) and fins[i].date() < jour:
            compte.ecarts.setdefault(i, f"agrément échu depuis le {fins[i]:%d/%m/%Y}, ne compte pas")
        elif pd.notna(debuts[i]) and debuts[i].date() > jour:
            compte.ecarts.setdefault(i, f"agrément à partir du {debuts[i]:%d/%m/%Y}, ne compte pas encore")
        elif i in compte.ecarts or compte.defauts[i]:
            continue
        elif pd.notna(fins[i]) and fins[i].date() < dt.date.today():
            remarques.append(
                f"{compte.ou(i)} : agrément échu depuis le {fins[i]:%d/%m/%Y}, compté pour {jour.year} seulement"
            )
        elif statut == "renouvellement":
            remarques.append(f"{compte.ou(i)} : agrément en renouvellement, compté")
    return remarques


EXEMPLE = "EXEMPLE"


def ecarter_d_office(brut: pd.DataFrame, compte: Compte, *, exemples: bool) -> None:
    """Totaux, notes, exemples du modèle et lignes répétées à l'identique : écartés, comptés, jamais bloquants."""
    premieres: dict[str, str] = {}
    # Dans une liste d'agréments sans nom, deux lignes pareilles sont deux personnes.
    liste = brut["type"].map(lambda t: choisir(CHAMPS["type"], t)).eq(ASSISTANTS) & ("agrees" not in brut)
    for i in brut.index:
        tout = brut["_tout"][i]
        cases = [c for c in tout.split("\x1f") if c]
        if not exemples and any(
            c.startswith(EXEMPLE) for c in ([brut["nom"][i]] if "nom" in brut else cases)
        ):
            compte.ecarts[i] = "exemple du modèle"
        elif brut["_nature"][i]:
            compte.ecarts[i] = brut["_nature"][i]
        elif tout in premieres and not liste[i]:
            compte.ecarts[i] = f"répète à l'identique la {premieres[tout]}"
        else:
            premieres[tout] = compte.ou(i)


def ecarter_totaux_calcules(table: pd.DataFrame, compte: Compte) -> None:
    """Une ligne nommée comme sa commune (ou « Ensemble ») dont les places sont la somme des précédentes."""
    if not {"nom", "places"} <= set(table.columns):
        return
    communes = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    depuis: list[int] = []
    for i in table.index:
        if i in compte.ecarts:
            depuis = [] if compte.ecarts[i] == TOTAL else depuis
            continue
        code, nom, places = table["code"][i], table["nom"][i], table["places"][i]
        nommee = not pd.isna(nom) and (
            est_un_cumul(nom) or (not pd.isna(code) and normaliser(nom) == normaliser(communes.get(code, "")))
        )
        if nommee and not pd.isna(places) and depuis:
            ici = [j for j in depuis if table["code"][j] == code]
            if places in {table["places"][groupe].sum() for groupe in (ici, depuis) if groupe}:
                compte.mettre_de_cote(i, TOTAL, nom)
                depuis = []
                continue
        depuis.append(i)


def oublier_accessoires(table: pd.DataFrame, compte: Compte, essentiels: Collection[str]) -> list[str]:
    """Dans une liste publique, une valeur accessoire illisible laisse sa case vide ; rend ce qu'il faut en dire."""
    comptes: Counter[str] = Counter()
    dits = []
    # Une liste publique donne la capacité d'un accueil de loisirs, jamais le temps où elle vaut : elle ne sert pas.
    sans_temps = table["type"].eq("alsh") & (table["temps"].isna() if "temps" in table else True)
    par_temps = [c for c in table if c.startswith("places") or c == "heures_realisees"]
    capacites = [c for c in par_temps if table.loc[sans_temps, c].notna().any()]
    if capacites:
        table.loc[sans_temps, capacites] = pd.NA
        dits.append("capacité d'accueils de loisirs non reprise : rien ne dit le temps (mercredi, août…) où elle vaut")
    for i in table.index:
        gardes = [d for d in compte.defauts[i] if d[0] in essentiels]
        comptes.update(d[0] for d in compte.defauts[i] if d[0] not in essentiels)
        compte.defauts[i] = gardes
    dits += [
        f"{n} valeur(s) illisible(s) de « {CHAMPS[c].libelle} », laissée(s) vide(s)" for c, n in comptes.items()
    ]
    return dits


def controler(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte, *, liste: bool = False) -> None:
    for i in table.index[table["type"].isna() & utiles["type"].eq("")]:
        compte.refuser(i, "type", "", ", ".join(TYPES))
    assistants = table["type"].eq(ASSISTANTS)
    if "nom" in table or not assistants.all():
        noms = table["nom"] if "nom" in table else pd.Series(pd.NA, index=table.index)
        for i in table.index[noms.isna() & ~assistants]:
            if not compte.accuse(i, "nom"):
                compte.refuser(i, "nom", "", "le nom de la structure")
    if assistants.any() and not assistants.all():
        for i in table.index[assistants]:
            compte.refuser(i, "type", utiles["type"][i], "les assistants maternels dans un fichier à part")
        return
    if assistants.all():
        _controler_assistants(table, utiles, compte)
        return
    table["_site"] = sites(table)
    compte.ajouter(controler_alsh(table))
    if liste:
        _ecarter_doublons(table, compte)
    else:
        _controler_doublons(table, utiles, compte)


def _controler_assistants(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    for i in table.index[table["annee"].isna()]:
        if not compte.accuse(i, "annee"):
            compte.refuser(i, "annee", "", "l'année des agréments")
    if "agrees" in table and "en_exercice" in table:
        for i in table.index[(table["en_exercice"] > table["agrees"]).fillna(False)]:
            compte.refuser(i, "en_exercice", utiles["en_exercice"][i], "au plus le nombre d'agréés")
    if "agrees" in table:
        codes = utiles["code"] if "code" in utiles else table["code"]
        cles = pd.DataFrame({"c": codes, "n": utiles.get("commune", ""), "a": table["annee"]})
        for i in table.index[cles.duplicated()]:
            compte.refuser(i, "code", str(codes[i]), "une seule ligne par commune et par année")


def _controler_doublons(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    if "nom" not in table:
        return
    premieres: dict[tuple, int] = {}
    for i, cle in _cles(table, "_site", "temps").items():
        if not cle[1] or not cle[2] or i in compte.ecarts:
            continue
        if cle in premieres:
            compte.refuser(
                i, "nom", utiles["nom"][i], "une structure qui ne soit pas déjà présente : même type, même nom, même "
                f"commune que la {compte.ou(premieres[cle])} (deux adresses ou deux points différents les "
                "distingueraient)")
        else:
            premieres[cle] = i


def _ecarter_doublons(table: pd.DataFrame, compte: Compte) -> None:
    """Une liste publique répète parfois un lieu : mêmes types, nom voisin, même endroit."""
    vues: dict[str, list[int]] = defaultdict(list)
    for i in table.index:
        if i in compte.ecarts or compte.defauts[i]:
            continue
        code = table["code"][i]
        jumelle = next((j for j in vues[code] if _deja_lue(table.loc[i], table.loc[j])), None)
        if jumelle is None:
            vues[code].append(i)
        else:
            pres = ecart_m(table.loc[i], table.loc[jumelle]) < _PRES_M
            ou = f"à moins de {_PRES_M:.0f} m" if pres else "sans adresse ni point qui les distingue"
            compte.mettre_de_cote(i, f"déjà lue : même type et même nom, {ou}", table["nom"][i])


def _deja_lue(une: pd.Series, autre: pd.Series) -> bool:
    if not set(une["type"].split()) <= set(autre["type"].split()):
        return False
    if "temps" in une.index and une["temps"] != autre["temps"] and not pd.isna(une["temps"]):
        return False
    a, b = normaliser(une["nom"]), normaliser(autre["nom"])
    if a == b:
        # À quelques mètres, une seule maison a deux adresses ; au même point exactement, c'est celui de la commune.
        return une["_site"] == autre["_site"] or 1 < ecart_m(une, autre) < _PRES_M
    # « Les Lutins 1 » et « Les Lutins 2 » se ressemblent et sont deux.
    if re.findall(r"\d+|\b(?:i{2,3}|iv|[a-z])$", a) != re.findall(r"\d+|\b(?:i{2,3}|iv|[a-z])$", b):
        return False
    proches = a in b or b in a or SequenceMatcher(None, a, b).ratio() > 0.85
    tout_pres = not math.isnan(une["lon"]) and ecart_m(une, autre) < _PRES_M
    return proches and tout_pres and not _voies_autres(une, autre)


def _voies_autres(une: pd.Series, autre: pd.Series) -> bool:
    adresses = [meme_voie(x) for x in (une.get("adresse"), autre.get("adresse")) if isinstance(x, str) and x]
    return len(set(adresses)) > 1


def ecarter_fermees(table: pd.DataFrame, compte: Compte) -> None:
    if "date_fermeture" not in table:
        return
    for i, date in table["date_fermeture"].dropna().items():
        annee = table["annee"][i]
        if date.date() <= reference(annee):
            compte.ecarts[i] = "structure fermée"


def ecarter_autres_annees(table: pd.DataFrame, compte: Compte, voulue: int | None) -> None:
    """Une structure suivie sur trois ans ne compte qu'une fois : la dernière année, ou celle qu'on demande."""
    annees = table["annee"].dropna()
    if annees.nunique() < 2:
        return
    retenue = voulue if voulue in set(annees) else int(annees.max())
    for i in annees.index[annees.ne(retenue)]:
        compte.ecarts.setdefault(i, f"autre année que {retenue}, seule gardée")
