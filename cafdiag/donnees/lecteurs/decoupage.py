"""Les codes des communes (Insee, Etalab) : code officiel, mouvements, tables de passage, découpage administratif."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    HORS_COMMUNE,
    Chantier,
    a_colonnes,
    annee_du_nom,
    millesime_cache,
    ouvrir,
    refuser,
    trouver,
)
from cafdiag.donnees.lecteurs.insee_population import au_referentiel, nom_population
from cafdiag.donnees.lecteurs.zonages import rendre_appartenance
from cafdiag.donnees.nettoyage import code_commune, code_epci
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires import a_jour

SOURCE = "Insee, code officiel géographique"
# Les codes n'ont pas changé entre le COG où l'on amène tout et celui d'aujourd'hui.
_COG = f"(?:{millesime('geographie.communes')}|{millesime('geographie.reference')})"
_ANCIEN = (rf"ancien_code(_officiel)?|code_avant|com_av|code_ancien|codgeo_ini|codgeo_(?!{_COG})20\d\d",)
_NOUVEAU = (rf"code_courant(_officiel)?|code_apres|com_ap|code_nouveau|codgeo_{_COG}|codgeo_fin", r"code")
# Suppression, fusion, commune nouvelle, changement de département ou de chef-lieu (deux nomenclatures de MOD).
_MOD_CODE = {"30", "31", "32", "33", "34", "41", "50", "70",
             "310", "311", "312", "330", "331", "332", "333", "340", "341", "350", "410", "411", "500", "501"}


def reconnait_passage(brut: Brut) -> bool:
    """Deux codes de commune par ligne : l'ancien et le nouveau."""
    ancien, nouveau = trouver(brut.entete, *_ANCIEN), trouver(brut.entete, *_NOUVEAU)
    return bool(ancien and nouveau and ancien != nouveau)


def lire_passage(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table de passage, mouvements de communes : ce que devient chaque code, confronté au passage embarqué."""
    chantier = ouvrir(chemin, "passage", feuille=feuille, annee=annee, ancien_code=_ANCIEN, nouveau_code=_NOUVEAU)
    brut, roles = chantier.brut, chantier.roles
    if niveau := trouver(brut.entete, "niveau|nivgeo"):
        chantier.rejeter(~brut.table[niveau].isin(["COM", "ARM"]), HORS_COMMUNE, brut.table[niveau])
    for cote in ("av", "ap"):
        if nom := trouver(brut.entete, f"typecom_{cote}"):
            chantier.rejeter(~brut.table[nom].isin(["COM", "ARM"]), "commune déléguée ou associée", brut.table[nom])
    if mod := trouver(brut.entete, "mod"):
        chantier.rejeter(~brut.table[mod].isin(_MOD_CODE), "événement sans changement de code", brut.table[mod])
    anciens, nouveaux = chantier.communes(roles["ancien_code"]), chantier.communes(roles["nouveau_code"])
    table = _liens(brut, anciens, nouveaux, "libelle_av|nom_ancien|libgeo_ini")
    if part := trouver(brut.entete, "ratio|part"):
        table["part"] = chantier.nombres(part)[0]
    # Une même paire revient à chaque millésime où elle vaut.
    dates = [brut.table[c] for n in ("cog_avant", "cog_apres", "annee", "date_eff", "mod")
             if (c := trouver(brut.entete, n))]
    chantier.sans_doublon([anciens, nouveaux, *dates], table[["nom_ancien", "part"]])
    return _finir(chantier, table, annee or annee_du_nom(brut.fichier))


def _liens(brut: Brut, anciens: pd.Series, apres: pd.Series, *noms: str) -> pd.DataFrame:
    nom = trouver(brut.entete, *noms)
    return pd.DataFrame({"code_ancien": anciens, "nom_ancien": brut.table[nom] if nom else "", "code_apres": apres,
                         "part": float("nan")})


def _finir(chantier: Chantier, table: pd.DataFrame, an: int | None) -> Lecture:
    chantier.refuser_si_vide("un ancien code et un nouveau par ligne")
    lignes = int(chantier.garde.sum())
    table = table[chantier.garde].drop_duplicates(["code_ancien", "code_apres"], ignore_index=True)
    destin = a_jour(table["code_apres"])
    table["code"] = destin["code_actuel"].to_numpy()
    table["statut"] = destin["statut"].to_numpy()
    chantier.inconnus = sorted(set(table.loc[table["statut"].eq("inconnu"), "code_apres"]))
    change = table[table["code_ancien"].ne(table["code"]) & table["code"].notna()]
    embarque = a_jour(change["code_ancien"])
    sans = embarque["statut"].eq("inconnu").to_numpy()
    autre = [c is not None and code not in str(c).split() for c, code in
             zip(embarque["cibles"], change["code"], strict=True)] if len(change) else []
    divergents = sorted(set(change["code_ancien"][[a and not s for a, s in zip(autre, sans, strict=True)]]))
    chantier.remarques.append(
        f"{len(change)} changement(s) de code ; {int(sans.sum())} que le passage embarqué ne connaît pas"
        + (f" : {', '.join(sorted(change['code_ancien'][sans])[:10])}" if sans.any() else ""))
    if divergents:
        chantier.remarques.append(f"{len(divergents)} code(s) que le passage embarqué mène ailleurs : "
                                  + ", ".join(divergents[:10]))
    if lignes > len(table):
        chantier.remarques.append(f"{lignes - len(table)} paire(s) données pour plusieurs millésimes, réunies")
    return chantier.rendre(table, annees=[an] if an else [], source=SOURCE, millesime=f"COG {an}" if an else "COG")


def lire_historique(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Événements depuis 1943 : seules les disparitions de codes font un passage."""
    chantier = ouvrir(chemin, "passage", feuille=feuille, annee=annee, commune=(r"depcom",),
                      commune_qui_absorbe=("comech",), événement=("mod",))
    brut, roles = chantier.brut, chantier.roles
    mod = brut.table[roles["événement"]]
    chantier.rejeter(~mod.isin(_MOD_CODE), "événement sans changement de code", mod)
    absorbe = brut.table[roles["commune_qui_absorbe"]]
    chantier.rejeter(absorbe.eq(""), "événement sans commune d'arrivée", mod)
    anciens, nouveaux = chantier.communes(roles["commune"]), code_commune(absorbe)
    chantier.rejeter_selon(nouveaux.raisons, absorbe)
    chantier.rejeter(anciens.eq(nouveaux.valeurs), "la commune garde son code", anciens)
    actuelles = set(lire_table("communes", colonnes=["code"])["code"])
    chantier.rejeter(anciens.isin(actuelles & set(anciens)), "le code est celui d'une commune actuelle", anciens)
    table = _liens(brut, anciens, nouveaux.valeurs, "nccoff")
    return _finir(chantier, table, annee or annee_du_nom(brut.fichier))


def lire_cog(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Communes d'un COG : chaque code (commune, déléguée, associée) et la commune de 2025 qui le contient."""
    chantier = ouvrir(chemin, "passage", feuille=feuille, annee=annee, type=("typecom",), commune=COMMUNE[1:],
                      parent=("comparent",))
    brut, roles = chantier.brut, chantier.roles
    sorte = brut.table[roles["type"]]
    chantier.rejeter(~sorte.isin(["COM", "COMD", "COMA", "ARM"]), "type de commune inconnu", sorte)
    codes = chantier.communes(roles["commune"])
    parent = code_commune(brut.table[roles["parent"]]).valeurs.fillna(codes)
    arrive = parent.where(sorte.isin(["COMD", "COMA"]), codes)
    # La commune déléguée du chef-lieu porte le code de la commune nouvelle : ce n'est pas un ancien code.
    doublon = sorte.isin(["COMD", "COMA"]) & codes.eq(parent)
    chantier.rejeter(doublon, "commune déléguée au code de sa commune", codes)
    table = _liens(brut, codes, arrive, "libelle", "nccenr", "ncc")
    chantier.sans_doublon([sorte, codes], table[["nom_ancien", "code_apres"]])
    return _finir(chantier, table, annee or annee_du_nom(brut.fichier))


# --- Découpage administratif (Etalab) ---


_ACTUELLES = ("commune-actuelle", "arrondissement-municipal")


def lire_communes(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Population municipale des communes actuelles ; déléguées et associées n'en ont pas."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee,
                      colonnes=("code", "nom", "type", "population", "zone"), code=("code",), type=("type",),
                      population=("population",))
    brut, roles = chantier.brut, chantier.roles
    sorte = brut.table[roles["type"]]
    chantier.rejeter(sorte.isin(["commune-deleguee", "commune-associee"]), "commune déléguée ou associée", sorte)
    chantier.rejeter(~sorte.isin(_ACTUELLES), "type de commune inconnu", sorte)
    codes = chantier.codes(roles["code"])
    population, _ = chantier.nombres(roles["population"])
    chantier.rejeter(population.mod(1).gt(0), "une population municipale est un entier",
                     brut.table[roles["population"]])
    chantier.sans_doublon([codes], population.to_frame("p"))
    chantier.refuser_si_vide("des communes actuelles")
    table = pd.DataFrame({"code": codes, "p": population})[chantier.garde].reset_index(drop=True)
    sans = int(table["p"].isna().sum())
    if sans:
        chantier.remarques.append(f"{sans} communes ou collectivités sans population publiée : laissées vides")
    # La version du paquet dit le COG, pas le recensement : seules les populations le disent.
    an = millesime_cache(chantier, table.set_index("code")["p"])
    table = table.rename(columns={"p": nom_population(an)})
    table = au_referentiel(chantier, table)
    return chantier.rendre(table, annees=[an], source="Insee, populations légales (découpage d'Etalab)",
                           millesime=f"RP {an}")


def lire_epci(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Composition des EPCI, une ligne par commune membre ; un EPCI aux membres illisibles est écarté."""
    chantier = ouvrir(chemin, "appartenance", feuille=feuille, annee=annee, code=("code",), nom=("nom",),
                      membres=("membres",))
    brut, roles = chantier.brut, chantier.roles
    epci = code_epci(brut.table[roles["code"]])
    chantier.rejeter_selon(epci.raisons, brut.table[roles["code"]])
    listes = brut.table[roles["membres"]].map(_membres)
    chantier.rejeter(listes.isna(), "membres illisibles", brut.table[roles["membres"]].str.slice(0, 60))
    chantier.sans_doublon([epci.valeurs], brut.table[[roles["nom"], roles["membres"]]])
    chantier.refuser_si_vide("des EPCI et leurs membres")
    lignes = [(code, epci.valeurs[i], brut.table.at[i, roles["nom"]])
              for i in brut.table.index[chantier.garde] for code in listes[i]]
    table = pd.DataFrame(lignes, columns=["code", "epci", "nom_epci"])
    codes = code_commune(table["code"])
    faux = sorted({*table.loc[codes.raisons.ne(""), "code"], *table.loc[table["code"].duplicated(), "code"]})
    if faux:
        raise refuser(brut, "communes fausses, ou membres de deux EPCI : " + ", ".join(faux[:10]))
    return rendre_appartenance(chantier, table, annee)


def _membres(texte: str) -> list[str] | None:
    # Une liste d'objets mise en texte par le lecteur : objets séparés par « | ».
    try:
        objets = json.loads(texte) if texte.startswith("[") else [json.loads(t) for t in texte.split(" | ")]
        return [str(o["code"]) for o in objets]
    except (ValueError, KeyError, TypeError):
        return None


LECTEURS = (
    Lecteur("passage", "table de passage ou mouvements de communes", lambda b: 0.9 * reconnait_passage(b),
            lire_passage, ("Ancien Code Officiel", "Code Courant Officiel"), utile=False),
    Lecteur("insee_historique", "historique des communes (ancien format)",
            a_colonnes(0.92, "comech", "mod", "depcom|com"),
            lire_historique, ("DEPCOM", "MOD", "COMECH"), utile=False),
    Lecteur("insee_cog", "code officiel géographique des communes", a_colonnes(0.95, "typecom", "com", "comparent"),
            lire_cog, ("TYPECOM", "COM", "COMPARENT"), utile=False),
    Lecteur("etalab_communes", "découpage administratif, communes",
            a_colonnes(0.95, "code", "typeliaison", "type", "population"),
            lire_communes, ("code", "typeLiaison", "type", "population")),
    Lecteur("etalab_epci", "découpage administratif, EPCI", a_colonnes(0.95, "membres", "code"), lire_epci,
            ("code", "nom", "membres"), utile=False),
)
