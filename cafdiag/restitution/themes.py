"""Le corps de chaque chapitre : chiffres clés, constats, graphiques."""

from __future__ import annotations

import html
from collections.abc import Callable

import pandas as pd

from cafdiag.donnees import evaluer, table_communes
from cafdiag.donnees.communes import structures_connues
from cafdiag.indicateurs import mesurer
from cafdiag.magasin import lire_table
from cafdiag.restitution import graphiques, textes
from cafdiag.restitution.bloc import Donnees, phrase_html
from cafdiag.restitution.cartes import nom_court
from cafdiag.restitution.lecture import Lecture, accord
from cafdiag.restitution.tableaux import tableau

NOMS_DENSITE = {
    1: "Grands centres urbains",
    2: "Centres urbains intermédiaires",
    3: "Petites villes",
    4: "Ceintures urbaines",
    5: "Bourgs ruraux",
    6: "Rural à habitat dispersé",
    7: "Rural à habitat très dispersé",
}


def _chiffres(cartes: list[tuple[str, str]]) -> str:
    """Chiffres clés : valeur et intitulé."""
    if not cartes:
        return ""
    items = "".join(
        f"<li><strong>{html.escape(valeur)}</strong>{phrase_html(intitule)}</li>"
        for valeur, intitule in cartes
    )
    return f'<ul class="chiffres">{items}</ul>'


def _paragraphe(*phrases: str) -> str:
    dites = [p for p in phrases if p]
    return f"<p>{phrase_html(' '.join(dites))}</p>" if dites else ""


def _cles(lecture: Lecture, voulus: dict[str, str]) -> str:
    return _chiffres(
        [
            (lecture.texte(code, signe=code.endswith("_EVOL")), intitule)
            for code, intitule in voulus.items()
            if lecture.connu(code)
        ]
    )


def _portrait(donnees: Donnees) -> str:
    lecture, territoire = donnees.lecture, donnees.territoire
    cles = _cles(
        lecture,
        {
            "CTX_POP": "habitants (2023)",
            "CTX_POP_EVOL": "d'évolution depuis 2020",
            "CTX_PART_0_19": "de moins de 20 ans",
            "CTX_PART_RURAL": "en commune rurale",
            "PS_COUV_POP": "de la population couverte par la Caf",
        },
    )
    texte = _paragraphe(
        textes.population(territoire, lecture, donnees.nom),
        textes.quartiers(territoire, lecture),
        textes.caf(lecture),
    )
    return cles + texte + _ages(donnees) + _densite(donnees)


def _ages(donnees: Donnees) -> str:
    lecture = donnees.lecture
    tranches = {
        "CTX_PART_0_4": "0 à 4 ans",
        "CTX_PART_5_9": "5 à 9 ans",
        "CTX_PART_10_14": "10 à 14 ans",
        "CTX_PART_15_19": "15 à 19 ans",
    }
    if not all(lecture.connu(c) for c in tranches):
        return ""
    role = next((r for r in ("departement", "region", "france") if lecture.connu("CTX_PART_0_4", r)), None)
    ages = pd.DataFrame({"tranche": list(tranches.values()), "valeur": [lecture.valeur(c) for c in tranches]})
    nom_reference = ""
    if role:
        ages["reference"] = [lecture.valeur(c, role) for c in tranches]
        nom_reference = lecture.ligne("CTX_PART_0_4", role)["nom"]
    return graphiques.barres_ages(
        ages,
        titre="Parts des enfants et des jeunes dans la population, 2023",
        nom=donnees.nom,
        nom_reference=nom_reference,
        source="Insee, recensement de la population 2023",
    ).html


def _densite(donnees: Donnees) -> str:
    """Population par niveau de densité : une intercommunalité n'a pas d'étiquette unique."""
    communes = table_communes(donnees.apports).reindex(list(donnees.territoire.communes))
    if communes["densite_7"].isna().all() or len(communes) < 2:
        return ""
    total = evaluer(communes, "population")["valeur"]
    lignes = []
    for niveau, nom in NOMS_DENSITE.items():
        dedans = communes["densite_7"].eq(niveau)
        if dedans.any():
            lignes.append(
                {
                    "Niveau de densité": nom,
                    "Communes": int(dedans.sum()),
                    "Habitants": total[dedans].sum(skipna=False),
                    "Part": 100 * total[dedans].sum(skipna=False) / total.sum(skipna=False),
                }
            )
    sans = int(communes["densite_7"].isna().sum())
    precision = f"{accord(sans, 'commune')} sans niveau publié" if sans else ""
    return str(
        tableau(
            pd.DataFrame(lignes),
            titre="Habitants selon la densité de leur commune, 2023",
            precision=precision,
            unites={"Habitants": "habitants", "Part": "%"},
            decimales={"Communes": 0, "Habitants": 0, "Part": 1},
            source="Insee, grille communale de densité à 7 niveaux (COG 2024) ; populations 2023",
        )
    )


def _petite_enfance(donnees: Donnees) -> str:
    lecture = donnees.lecture
    cles = _cles(
        lecture,
        {
            "PE_TXCOUV_GLOBAL": "places pour 100 enfants de moins de 3 ans (2023)",
            "PE_TXCOUV_EAJE": "en accueil collectif (EAJE)",
            "PE_ENF_M3": "enfants de moins de 3 ans (estimation 2023)",
            "PE_NAISS_EVOL": "naissances 2023-2025 par rapport à 2019-2021",
        },
    )
    texte = _paragraphe(
        textes.couverture(lecture),
        textes.modes(lecture),
        textes.naissances(lecture),
        _etablissements(lecture),
    )
    if not lecture.connu("PE_TXCOUV_GLOBAL"):
        return cles + texte + _naissances(donnees)
    modes = lecture.mesures[lecture.mesures["indicateur"].str.startswith("PE_TXCOUV_")]
    empile = graphiques.barres_empilees(
        modes,
        territoire=donnees.territoire.code,
        titre="De quoi l'offre d'accueil est faite, 2023",
        sous_titre="Places pour 100 enfants de moins de 3 ans",
        noms={donnees.territoire.code: donnees.nom},
    ).html
    return f'{cles}{texte}{empile}<div class="duo">{_classement(donnees)}{_naissances(donnees)}</div>'


def _etablissements(lecture: Lecture) -> str:
    parties = [
        accord(lecture.valeur(c), *mots)
        for c, mots in (
            ("PE_NB_EAJE", ("crèche ou multi-accueil", "crèches ou multi-accueils")),
            ("PE_NB_MICRO", ("micro-crèche",)),
        )
        if lecture.connu(c)
    ]
    return f"La base des équipements 2025 y compte {' et '.join(parties)}." if parties else ""


def _classement(donnees: Donnees) -> str:
    """Les EPCI du département, du taux le plus élevé au plus bas ; le territoire en couleur."""
    if donnees.territoire.maille not in ("epci", "departement") or donnees.autour.empty:
        return ""
    codes = epci_du_departement(donnees.territoire.departement)
    voisins = donnees.autour[donnees.autour["territoire"].isin(codes)]
    if len(voisins) < 3:
        return ""
    noms = {c: nom_court(n) for c, n in zip(voisins["territoire"], voisins["nom"], strict=True)}
    return graphiques.points_classes(
        voisins,
        territoire=donnees.territoire.code,
        titre="Les EPCI du département, 2023",
        sous_titre="Places pour 100 enfants de moins de 3 ans",
        noms=noms,
        decimales=1,
        reference=donnees.lecture.valeur("PE_TXCOUV_GLOBAL", "france"),
    ).html


def epci_du_departement(departement: str | None) -> set[str]:
    """EPCI dont ce département porte le plus d'habitants : un EPCI n'a de rang que chez lui."""
    table = lire_table("epci", colonnes=["code", "departement"])
    return set(table.loc[table["departement"].eq(departement), "code"])


def _naissances(donnees: Donnees) -> str:
    if not donnees.lecture.connu("PE_NAISS"):
        return ""
    series = [
        mesurer(donnees.territoire, ["PE_NAISS"], annee=a, apports=donnees.apports) for a in range(2019, 2026)
    ]
    return graphiques.serie(
        pd.concat(series, ignore_index=True),
        territoire=donnees.territoire.code,
        titre="Naissances domiciliées, 2019-2025",
        source="Insee, état civil, naissances domiciliées",
        decimales=0,
    ).html


def _enfance(donnees: Donnees) -> str:
    lecture = donnees.lecture
    distance = f"{donnees.options.distance_alsh_km:g} km".replace(".", ",")
    cles = _cles(
        lecture,
        {
            "EJ_ENF_311": "enfants de 3 à 11 ans (estimation 2023)",
            "EJ_ALSH_PART_COM_EQUIP": "des 3-11 ans dans une commune avec un ALSH (estimation)",
            "EJ_ALSH_PART_X_KM": f"des 3-11 ans à moins de {distance} d'un ALSH (estimation)",
            "EJ_ALSH_IMPLANT_311": "implantations d'ALSH pour 100 enfants de 3-11 ans",
        },
    )
    proche = ""
    if lecture.connu("EJ_ALSH_PART_X_KM"):
        contre = lecture.contre("EJ_ALSH_PART_X_KM")
        proche = (
            f"À vol d'oiseau, {lecture.dit('EJ_ALSH_PART_X_KM')} vivent à moins de {distance} d'un accueil de "
            f"loisirs{', ' + contre if contre else ''}."
        )
    return cles + _paragraphe(
        textes.alsh(lecture),
        proche,
        "Les places, les heures et les temps d'accueil (soir, mercredi, vacances) ne sont "
        "publiés par aucune source nationale à cette échelle.",
    )


def _animation(donnees: Donnees) -> str:
    lecture = donnees.lecture
    phrases = [textes.quartiers(donnees.territoire, lecture)]
    if lecture.ligne("AVS_QPV_COUV")["statut"] == "sans_objet":
        phrases.append("La couverture des quartiers par un centre social est donc sans objet.")
    couverture = lecture.ligne("AVS_QPV_COUV")
    if lecture.connu("AVS_QPV_COUV"):
        phrases.append(
            f"{lecture.texte('AVS_QPV_COUV')} des quartiers sont couverts par un centre social "
            f"({couverture['motif']})."
        )
    if lecture.connu("AVS_DENS"):
        phrases.append(
            f"{lecture.texte('AVS_DENS')} structures d'animation de la vie sociale pour 10"
            "\u202f000 habitants."
        )
    liste = donnees.apports.structures
    if liste is None:
        phrases.append(
            "Les listes de centres sociaux et d'EVS embarquées sont partielles : fournissez un registre "
            "complet pour lever ce qui est tu."
        )
    return _paragraphe(*phrases) + _structures(donnees)


def _structures(donnees: Donnees) -> str:
    table = structures_connues(donnees.apports)
    table = table[
        table["code"].isin(donnees.territoire.communes)
        & table["type"].isin(["centre_social", "evs", "france_services"])
    ]
    if table.empty or len(table) > 60:
        return ""
    noms = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    types = {"centre_social": "Centre social", "evs": "EVS", "france_services": "France services"}
    agrement = (
        table["statut_agrement"].astype("string")
        if "statut_agrement" in table
        else pd.Series(pd.NA, index=table.index, dtype="string")
    )
    defaut = (
        table["type"].map({"france_services": "labellisée (ANCT)"}).astype("string").fillna("registre local")
    )
    vue = pd.DataFrame(
        {
            "Structure": table["nom"],
            "Type": table["type"].map(types),
            "Commune": table["code"].map(noms),
            "Agrément": agrement.fillna(defaut),
            "Source": table["source"],
        }
    )
    return str(
        tableau(
            vue.sort_values(["Type", "Commune", "Structure"]),
            titre="Structures connues",
            precision="liste partielle, sauf France services" if donnees.apports.structures is None else "",
        )
    )


CORPS: dict[str, Callable[[Donnees], str]] = {
    "portrait": _portrait,
    "petite-enfance": _petite_enfance,
    "enfance-jeunesse": _enfance,
    "animation-vie-sociale": _animation,
}
