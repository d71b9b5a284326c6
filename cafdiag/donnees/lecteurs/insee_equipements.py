"""Insee : base permanente des équipements (BPE), du fichier détail au dénombrement de Melodi."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    INCONNUE,
    REPETEE,
    Chantier,
    adresse,
    annee_du_nom,
    completer_par_zero,
    exiger,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.donnees.nettoyage import code_commune, communes_connues, nombre
from cafdiag.donnees.tableurs import apercu, lire_tableau
from cafdiag.donnees.tri import Trie, trier
from cafdiag.millesimes import millesime

SOURCE = "Insee, base permanente des équipements"
HORS_CHAMP = "équipement hors du champ d'une Caf"
# Nom de la colonne pour chaque code ; l'enseignement a changé de nomenclature en 2019 (C101 → C107).
TYPES = {
    "D502": "eaje", "D503": "laep", "D504": "rpe", "D505": "alsh", "D506": "centre_social",
    "D507": "mediation_familiale", "D508": "evs", "D509": "micro_creche", "A128": "france_services",
    "C107": "maternelle", "C108": "primaire", "C109": "elementaire", "C201": "college",
    "C101": "maternelle", "C102": "maternelle", "C104": "elementaire", "C105": "elementaire",
}
_ANCIENNE = {"C101", "C102", "C104", "C105"}
_STRUCTURES = {"D502": "eaje", "D503": "laep", "D504": "rpe", "D505": "alsh", "D506": "centre_social",
               "D508": "evs", "D509": "micro_creche", "A128": "france_services"}
_TYPE = (r"typequ|type_equipement|facility_type",)
_DETAIL = {"an", "annee", "typequ", "type_equipement", "depcom", "nb_equip", "capacite", "nomrs", "siret",
           "longitude", "latitude", "numvoie", "typvoie", "libvoie", "codpos", "libcom", "dep", "code_commune",
           "dciris"}


def reconnait_detail(brut: Brut) -> bool:
    """Un équipement (ou un groupe d'équipements) par ligne."""
    return bool(trouver(brut.entete, _TYPE[0]) and trouver(brut.entete, *COMMUNE[:1])
                and not trouver(brut.entete, "obs_value"))


def _annee(chantier: Chantier, valeurs: set[str] | None) -> int:
    """Année unique du fichier : sa colonne, sinon celle qu'on donne, sinon son nom."""
    brut = chantier.brut
    if valeurs is None:
        an = chantier.annee_dite or annee_du_nom(brut.fichier)
        if an is None:
            raise refuser(brut, "aucune colonne ne donne l'année", attendu="une colonne AN",
                          conseil="mettez l'année dans le nom du fichier (BPE_2024.csv)")
        ou = "donnée à l'import" if chantier.annee_dite else "lue dans le nom du fichier"
        chantier.remarques.append(f"aucune colonne ne donne l'année : {an}, {ou}")
        return an
    lues, raisons = lire_annee(pd.Series(sorted(valeurs), dtype="str"))
    uniques = sorted({int(a) for a in lues.dropna()})
    if len(uniques) != 1 or raisons.ne("").any():
        raise refuser(brut, "année illisible, ou plusieurs années mêlées : " + (", ".join(sorted(valeurs)) or "aucune"),
                      attendu="une édition de la BPE par fichier")
    return uniques[0]


def _types(chantier: Chantier, colonne: str) -> pd.Series:
    types = chantier.brut.table[colonne].str.upper()
    chantier.rejeter(~types.str.fullmatch(_CODE), "code d'équipement illisible", chantier.brut.table[colonne])
    return types


_CODE = r"[A-G]\d{3}"
_ADRESSE = ("numvoie", "typvoie", "libvoie", "codpos", "libcom")


@lru_cache(maxsize=1)
def _trier(chemin: Path, _marque: tuple, feuille: str | None) -> tuple[Trie, dict[str, str], str | None]:
    """Les seuls équipements de la famille et de l'école ; gardés le temps de la seconde lecture (un par un)."""
    vu = apercu(chemin, feuille=feuille)
    roles = exiger(vu, commune=COMMUNE[:1], type=_TYPE)
    an = trouver(vu.entete, _AN)
    suivies = {*roles.values(), *([an] if an else [])}
    return trier(chemin, feuille=feuille, colonnes=lambda n: simple(n) in _DETAIL or n in suivies, par=roles["type"],
                 valeurs=TYPES, suivies=sorted(suivies)), roles, an


_AN = r"an|annee|time_period"


def _detail(chemin: Path, feuille: str | None, annee: int | None, jeu: str) -> tuple[Chantier, dict]:
    etat = chemin.stat()
    trie, roles, colonne_an = _trier(chemin, (etat.st_size, etat.st_mtime_ns), feuille)
    brut = trie.brut
    chantier = Chantier(brut, jeu, annee=annee)
    chantier.exiger_entier()
    faux = sorted(v for v in trie.de_cote if not re.fullmatch(_CODE, v))
    if faux:
        raise refuser(brut, f"{sum(trie.de_cote[v] for v in faux)} code(s) d'équipement illisible(s) : "
                      + ", ".join(f"« {v} »" for v in faux[:5]),
                      attendu="une lettre de A à G et trois chiffres : un équipement écarté fausserait le compte de "
                      "sa commune", conseil="corrigez ces lignes, ou retéléchargez le fichier")
    chantier.deja_de_cote(HORS_CHAMP, sum(trie.de_cote.values()))
    an = _annee(chantier, trie.vus[colonne_an] if colonne_an else None)
    types = brut.table[roles["type"]].str.upper()
    codes = chantier.codes(roles["commune"])
    # L'IRIS dit deux fois la commune : un code abîmé se voit.
    if iris := trouver(brut.entete, "dciris"):
        prefixe = brut.table[iris].str.slice(0, 5)
        connu = prefixe.str.fullmatch(r"\d{5}|2[AB]\d{3}")
        chantier.rejeter(connu & prefixe.ne(codes), "l'IRIS n'est pas dans la commune", brut.table[iris])
    nombre_ = pd.Series(1.0, index=brut.table.index)
    if nb := trouver(brut.entete, "nb_equip"):
        nombre_, statuts = chantier.nombres(nb)
        chantier.rejeter(statuts.ne("exact") | nombre_.mod(1).ne(0), "nombre d'équipements illisible",
                         brut.table[nb])
    # Sans l'IRIS pour le confirmer, un code inconnu est peut-être un code abîmé.
    chantier.sans_rejet("un équipement écarté fausserait le compte de sa commune", sauf=(INCONNUE,) if iris else ())
    # Le même nom, au même point, avec le même numéro : une ligne répétée, pas deux équipements.
    identite = [c for c in brut.table if simple(c) in {"nomrs", "siret", "longitude", "latitude"}]
    if identite and "nomrs" in {simple(c) for c in identite}:
        nomme = brut.table[identite].ne("").all(axis=1)
        repetees = brut.table.duplicated(keep="first") & nomme
        chantier.rejeter(repetees, REPETEE, brut.table[identite[0]])
    presentes = code_commune(pd.Series(sorted(trie.vus[roles["commune"]]), dtype="str")).valeurs.dropna()
    presentes = pd.Index(sorted({*(set(presentes) & communes_connues()), *codes[chantier.garde].unique()}))
    return chantier, {"codes": codes, "types": types, "an": an, "nombre": nombre_, "presentes": presentes}


def lire_detail(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Nombre d'équipements (et places de crèche) par commune.

    Un type présent dans le fichier vaut zéro dans une commune qui n'en a pas ; une commune sans aucune ligne
    aussi, si le fichier est national (sinon elle reste vide). Un type absent du fichier n'a pas de colonne.
    """
    chantier, lu = _detail(chemin, feuille, annee, "communes")
    brut, an, types = chantier.brut, lu["an"], lu["types"]
    chantier.refuser_si_vide("au moins un équipement de la famille ou de l'école (D502, D505, C107…)")
    fiche = pd.DataFrame({"code": lu["codes"], "nom": types.map(TYPES), "nb": lu["nombre"]})[chantier.garde]
    table = _compter(fiche, lu["presentes"], an)
    if capacite := trouver(brut.entete, "capacite"):
        _places(chantier, capacite, lu, table, an)
    _remarques(chantier, set(types[chantier.garde]), an)
    return _rendre(chantier, table, an)


def _rendre(chantier: Chantier, table: pd.DataFrame, an: int) -> Lecture:
    # L'ensemble sous l'ancien code passerait pour exhaustif : une commune scindée reste vide.
    table = chantier.au_cog(table.reset_index(), additives=list(table.columns), cle=None, millesime=an)
    # La base est exhaustive : une commune sans aucune ligne n'a aucun équipement.
    table = completer_par_zero(chantier, table)
    return chantier.rendre(table, annees=[an], source=SOURCE, millesime=f"BPE {an}")


def _compter(fiche: pd.DataFrame, presentes: pd.Index, an: int) -> pd.DataFrame:
    table = fiche.groupby(["code", "nom"])["nb"].sum(skipna=False).unstack(fill_value=0.0)
    table = table.reindex(presentes, fill_value=0.0)
    ordre = [n for n in dict.fromkeys(TYPES.values()) if n in table]
    return table[ordre].add_prefix(f"bpe{an}_").rename_axis("code").rename_axis(None, axis=1)


def _places(chantier: Chantier, capacite: str, lu: dict, table: pd.DataFrame, an: int) -> None:
    # Une capacité illisible ou négative est une capacité inconnue, jamais un équipement de moins.
    valeurs = nombre(chantier.brut.table[capacite])[0]
    valeurs = valeurs.mask(valeurs < 0)
    for types, nom in ((("D502",), "eaje"), (("D509",), "micro_creche")):
        masque = lu["types"].isin(types).to_numpy() & chantier.garde
        remplies = valeurs[masque].notna()
        if not len(remplies) or not remplies.any():
            continue
        # Une crèche sans capacité rend inconnue la somme de sa commune ; les autres en font un minorant.
        capacites = valeurs[masque].groupby(lu["codes"][masque])
        table[f"bpe{an}_places_{nom}"] = capacites.sum(skipna=False).reindex(table.index, fill_value=0.0)
        if not remplies.all():
            table[f"bpe{an}_places_sures_{nom}"] = capacites.sum().reindex(table.index, fill_value=0.0)
            sans = (~remplies).groupby(lu["codes"][masque]).sum().astype("float64")
            table[f"bpe{an}_sans_places_{nom}"] = sans.reindex(table.index, fill_value=0.0)
            chantier.remarques.append(
                f"capacité absente pour {int((~remplies).sum())} {nom} sur {len(remplies)} : "
                "les places de leur commune ne sont qu'un minorant")


def _remarques(chantier: Chantier, types: set[str], an: int) -> None:
    if types & _ANCIENNE:
        chantier.remarques.append(
            "ancienne nomenclature scolaire : C101 et C102 maternelles, C104 et C105 élémentaires (écoles "
            "primaires comprises) ; non comparable à C107, C108, C109")
    if "D502" in types and "D509" not in types and an < millesime("bpe.micro_creches"):
        chantier.remarques.append(
            f"D502 comprend ici les micro-crèches (D509 n'existe que depuis {millesime('bpe.micro_creches')})")


def lire_structures(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Les équipements de la famille un par un : nom, adresse, point, places (crèches, ALSH, centres sociaux…)."""
    chantier, lu = _detail(chemin, feuille, annee, "structures")
    brut, types = chantier.brut, lu["types"]
    chantier.mettre_de_cote(~types.isin(_STRUCTURES), HORS_CHAMP)
    if not trouver(brut.entete, "nomrs"):
        raise refuser(brut, "colonne absente : NOMRS (nom de l'équipement)",
                      conseil="ce fichier ne nomme pas les équipements : importez-le comme « insee_bpe »")
    valeurs = {nom: nombre(brut.table[c])[0] for nom in ("longitude", "latitude", "capacite")
               if (c := trouver(brut.entete, nom))}
    chantier.refuser_si_vide("un équipement de la famille (D502 à D509, A128)")
    vide = pd.Series(np.nan, index=brut.table.index)
    lon, lat = valeurs.get("longitude", vide), valeurs.get("latitude", vide)
    juste = lon.between(-180, 180) & lat.between(-90, 90) & (lon.ne(0) | lat.ne(0))
    table = pd.DataFrame({
        "type": types.map(_STRUCTURES), "nom": brut.table[trouver(brut.entete, "nomrs")], "code": lu["codes"],
        "adresse": adresse(brut, *_ADRESSE), "lon": lon.where(juste), "lat": lat.where(juste), "annee": lu["an"],
        "places": valeurs.get("capacite", vide), "source": f"{SOURCE} {lu['an']}", "statut_agrement": "",
        "precision_lieu": np.where(juste, "point", "commune"),
    })[chantier.garde].reset_index(drop=True)
    table = chantier.points_au_cog(table, millesime=lu["an"])
    return chantier.rendre(table, annees=[lu["an"]], source=SOURCE, millesime=f"BPE {lu['an']}")


def reconnait_melodi(brut: Brut) -> bool:
    """Dénombrement : GEO, FACILITY_TYPE, OBS_VALUE."""
    return bool(trouver(brut.entete, "geo") and trouver(brut.entete, "facility_type")
                and trouver(brut.entete, "obs_value"))


def lire_melodi(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Dénombrement DS_BPE : seules les lignes d'un type précis comptent, jamais les totaux de domaine."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, geo=("geo",), type=("facility_type",), valeur=("obs_value",))
    chantier = Chantier(brut, "communes", annee=annee)
    chantier.exiger_entier()
    chantier.mailles_communales()
    if mesure := trouver(brut.entete, "bpe_measure"):
        chantier.rejeter(~brut.table[mesure].str.contains("FACILIT"), "autre mesure", brut.table[mesure])
    total = brut.table[roles["type"]].str.fullmatch(r"_T|[A-G]\d?|_Z")
    chantier.rejeter(total, "total d'un domaine (ses types sont déjà dans le fichier)", brut.table[roles["type"]])
    # Les caractéristiques (cantine, éducation prioritaire…) ne comptent qu'au total.
    for nom in brut.table:
        if nom not in roles.values() and simple(nom) not in ("facility_dom", "facility_sdom") and \
                brut.table[nom].eq("_T").any():
            chantier.rejeter(brut.table[nom].ne("_T"), f"détail de {nom} (le total est déjà dans le fichier)",
                             brut.table[nom])
    types = _types(chantier, roles["type"])
    colonne_an = trouver(brut.entete, _AN)
    an = _annee(chantier, set(brut.table.loc[chantier.garde, colonne_an]) if colonne_an else None)
    codes = chantier.codes_geo(roles["geo"])
    valeurs, _ = chantier.nombres(roles["valeur"])
    chantier.sans_doublon([codes, types], valeurs.to_frame("v"))
    presentes = pd.Index(sorted(codes[chantier.garde].unique()))
    chantier.mettre_de_cote(~types.isin(TYPES), HORS_CHAMP)
    chantier.refuser_si_vide("des lignes GEO_OBJECT = COM d'un type de la famille ou de l'école")
    fiche = pd.DataFrame({"code": codes, "nom": types.map(TYPES), "nb": valeurs})[chantier.garde]
    table = _compter(fiche, presentes, an)
    _remarques(chantier, set(types[chantier.garde]), an)
    return _rendre(chantier, table, an)


def lire_bpe(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """BPE sous ses deux formes : fichier détail, ou dénombrement de Melodi."""
    long = reconnait_melodi(apercu(chemin, feuille=feuille))
    return (lire_melodi if long else lire_detail)(chemin, feuille=feuille, annee=annee)


def reconnait_libelles(brut: Brut) -> bool:
    """Nomenclature : un code d'équipement et son libellé, aucune commune."""
    if len(brut.entete) > 4 or brut.table.empty:
        return False
    codes = brut.table.iloc[:, 0].str.fullmatch(r"[A-G]\d{3}")
    return bool(codes.mean() > 0.9 and not trouver(brut.entete, COMMUNE[0]))


def refuser_libelles(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Refuse une nomenclature : elle ne dit rien d'un territoire."""
    brut = lire_tableau(chemin, feuille=feuille)
    raise refuser(brut, f"nomenclature de la BPE : {len(brut.table)} codes et leurs libellés, aucune commune",
                  attendu="les équipements (fichier détail) ou leur dénombrement par commune",
                  conseil="cafdiag connaît déjà ces codes : rien à importer")


LECTEURS = (
    Lecteur("insee_bpe", "équipements (BPE), nombre par commune",
            lambda b: max(0.9 * reconnait_detail(b), 0.95 * reconnait_melodi(b)), lire_bpe,
            ("AN", "TYPEQU", "DEPCOM", "CAPACITE", "FACILITY_TYPE")),
    Lecteur("insee_bpe_structures", "équipements (BPE), un par un", lambda b: 0.3 * reconnait_detail(b),
            lire_structures, ("TYPEQU", "NOMRS", "DEPCOM", "LONGITUDE", "LATITUDE")),
    Lecteur("insee_bpe_libelles", "nomenclature de la BPE (refusée)", lambda b: 0.8 * reconnait_libelles(b),
            refuser_libelles),
)
