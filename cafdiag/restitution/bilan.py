"""Le bilan de la convention passée : tableaux et graphiques par thème et par commune, à côté des indicateurs."""

from __future__ import annotations

import math

import pandas as pd

from cafdiag.donnees.realisations import COLONNES, MESURES, NON_DITE, TOUT
from cafdiag.indicateurs.bilan import SANS_EFFET, THEMES_DES_ACTIONS, Bilan, complete
from cafdiag.restitution.document import Document, Section, Suite, a_completer, liste, paragraphe, paragraphes, titre
from cafdiag.restitution.formats import cle_de_tri, decimales_de, majuscule, nombre, pluriel, statut
from cafdiag.restitution.graphiques import barres_comparaison
from cafdiag.restitution.modeles import classeur_modele
from cafdiag.restitution.piece import piece as en_piece
from cafdiag.restitution.tableaux import tableau

_ENTETES = {"euros": "Euros", "heures": "Heures", "places": "Places"}
_AU_PLUS = 12
ORIGINE = "Document produit à partir de données publiques et d'un fichier de réalisations remis par la convention."
SANS_DEPART = "Aucune valeur de départ n'a été figée : seules celles d'aujourd'hui sont montrées."
LECTURE = (
    "« au moins » : certaines réalisations n'ont pas de chiffre, la somme est un minimum ; « n.d. » : aucune "
    "n'en a. Une réalisation sans chiffre n'est jamais comptée pour zéro. Les "
    "places ne s'additionnent pas d'une année à l'autre : celles de la dernière année de chaque action sont comptées."
)


def somme_dite(ligne: pd.Series, mesure: str) -> str:
    """« 12 000 », « au moins 12 000 (2 non chiffrées) » ou « n.d. »."""
    if math.isnan(ligne[mesure]):
        return "n.d."
    ecrit = nombre(ligne[mesure], decimales=0)
    return ecrit if complete(ligne, mesure) else f"au moins {ecrit} ({_sans(ligne, mesure)})"


def _sans(ligne: pd.Series, mesure: str) -> str:
    return pluriel(int(ligne[f"{mesure}_sans"]), "non chiffrée")


def _mesures_dites(bilan: Bilan) -> list[str]:
    return [m for m in MESURES if bilan.realisations.table[m].notna().any()]


def _en_table(bilan: Bilan, groupes: pd.DataFrame, quoi: str, noms: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {quoi: noms.get(str(cle), str(cle)), "Actions": f"{ligne['actions']:.0f}"}
            | {_ENTETES[m]: somme_dite(ligne, m) for m in _mesures_dites(bilan)}
            for cle, ligne in groupes.iterrows()
        ]
    )


def _communes(bilan: Bilan) -> tuple[pd.DataFrame, dict[str, str]]:
    """Les communes, par ordre de nom ; ce qui vaut pour tout le territoire, puis ce qui n'est pas situé, à la fin."""
    noms = bilan.realisations.noms | {TOUT: "Tout le territoire", NON_DITE: "Commune non précisée"}
    fin = [c for c in (TOUT, NON_DITE) if c in bilan.par_commune.index]
    debut = sorted((c for c in bilan.par_commune.index if c not in fin), key=lambda c: cle_de_tri(noms[c]))
    return bilan.par_commune.loc[[*debut, *fin]], noms


def _graphique(bilan: Bilan, groupes: pd.DataFrame, noms: dict[str, str], quoi: str) -> Suite:
    mesure = next((m for m in _mesures_dites(bilan) if groupes[m].notna().any()), None)
    if mesure is None or len(groupes) < 2:
        return ()
    ranges = groupes.sort_values(mesure, ascending=False, na_position="last", kind="stable")
    suite = ""
    if len(ranges) > _AU_PLUS:
        suite = f"les {_AU_PLUS} premières sur {len(ranges)}"
        ranges = ranges.head(_AU_PLUS)
    lignes = []
    for cle, ligne in ranges.iterrows():
        entiere = complete(ligne, mesure)
        lignes.append(
            {
                "territoire": str(cle),
                "nom": noms.get(str(cle), str(cle)),
                "maille": "epci",
                "unite": mesure,
                "valeur": ligne[mesure] if entiere else math.nan,
                "bas": math.nan if entiere else ligne[mesure],
                "haut": math.nan,
                "statut": "exact" if entiere else "non_disponible",
                "motif": "" if entiere else _sans(ligne, mesure),
                "source": "",
            }
        )
    dessin = barres_comparaison(
        pd.DataFrame(lignes),
        territoire="",
        titre=_conclusion(groupes, mesure, noms) or f"{_ENTETES[mesure]} par {quoi}",
        sous_titre=suite or f"{_ENTETES[mesure]} par {quoi}",
        source=f"réalisations déclarées ({bilan.realisations.fichier})",
    )
    return (dessin,)


def _conclusion(groupes: pd.DataFrame, mesure: str, noms: dict[str, str]) -> str:
    """« Petite enfance : 582 400 euros sur 933 300 » ; vide si un groupe n'a qu'un minimum."""
    if not all(complete(ligne, mesure) for _, ligne in groupes.iterrows()):
        return ""
    premier = groupes[mesure].astype(float).idxmax()
    sien, tout = (nombre(float(v), decimales=0) for v in (groupes.at[premier, mesure], groupes[mesure].sum()))
    return f"{noms.get(str(premier), str(premier))} : {sien} {mesure} sur {tout}"


def _valeur(ligne: pd.Series, rang: str) -> str:
    valeur, etat = ligne[f"valeur_{rang}"], ligne[f"statut_{rang}"]
    if pd.isna(valeur) or not statut(etat).chiffre:
        return statut("non_disponible").symbole
    annee = ligne[f"annee_{rang}"]
    signe = statut(etat).symbole
    dite = f"{nombre(valeur, decimales=decimales_de(ligne['unite']))} {signe}".strip()
    return f"{dite} ({float(annee):.0f})" if annee not in ("", None) and not pd.isna(annee) else dite


def _indicateurs(bilan: Bilan, theme: str) -> pd.DataFrame:
    # Un mode d'accueil dominant n'est pas un nombre : ses places sont celles de sa propre ligne.
    siens = bilan.indicateurs[bilan.indicateurs["theme"].eq(theme)]
    siens = siens[~siens["unite"].str.contains("mode dominant")]
    lignes = []
    for _, i in siens.iterrows():
        libelle = f"{i['libelle']} ({i['unite']})"
        if bilan.compare:
            lignes.append(
                {
                    "Indicateur": libelle,
                    "Au départ": _valeur(i, "t0"),
                    "Aujourd'hui": _valeur(i, "t1"),
                    "Constat": i["constat"] + (f" : {i['motif']}" if i["motif"] else ""),
                }
            )
        else:
            dite = i.rename({"valeur": "valeur_t1", "statut": "statut_t1", "annee": "annee_t1"})
            lignes.append({"Indicateur": libelle, "Aujourd'hui": _valeur(dite, "t1")})
    return pd.DataFrame(lignes)


def _resume(bilan: Bilan) -> list[str]:
    table = bilan.realisations.table
    annees = sorted(set(table["annee"]))
    quand = f"en {annees[0]}" if len(annees) == 1 else f"de {annees[0]} à {annees[-1]}"
    communes = [c for c in bilan.par_commune.index if c not in (TOUT, NON_DITE)]
    quoi = f"{pluriel(table['action'].nunique(), 'action')} et {pluriel(len(table), 'réalisation')}"
    dites = [f"{quoi} {quand}, dans {pluriel(len(communes), 'commune')} sur {len(bilan.territoire.communes)}."]
    ensemble = bilan.par_theme.sum(min_count=1)
    for mesure in _mesures_dites(bilan):
        dites.append(f"{_ENTETES[mesure]} : {somme_dite(ensemble, mesure)}.")
    return dites


def _sources(bilan: Bilan, theme: str | None = None) -> str:
    """D'où viennent les indicateurs d'un thème, ou de tous ; vide s'il n'y en a pas."""
    siens = bilan.indicateurs if theme is None else bilan.indicateurs[bilan.indicateurs["theme"].eq(theme)]
    dites = dict.fromkeys(s for source in siens["source"] for s in str(source).split(" ; ") if s)
    return f"Sources : {' ; '.join(dites)}." if dites else ""


def piece(bilan: Bilan) -> Document:
    """Le bilan, prêt à être remis."""
    communes, noms = _communes(bilan)
    themes = tableau(
        _en_table(bilan, bilan.par_theme, "Thème", THEMES_DES_ACTIONS), titre="Réalisations par thème"
    )
    par_commune = tableau(_en_table(bilan, communes, "Commune", noms), titre="Réalisations par commune")
    annees = tableau(_en_table(bilan, bilan.par_annee, "Année", {}), titre="Réalisations par année")
    changes = paragraphes("" if bilan.compare else SANS_DEPART)
    changes += tuple(e for theme in bilan.par_theme.index for e in _rapproches(bilan, theme))
    remarques = liste([LECTURE, SANS_EFFET, *(f"{majuscule(r)}." for r in bilan.remarques)])
    resume = _resume(bilan)
    return en_piece(
        bilan.territoire,
        [
            Section("Ce qui a été fait", liste(resume) + paragraphes(SANS_EFFET), ancre="resume"),
            Section(
                "Par thème",
                (themes, *_graphique(bilan, bilan.par_theme, THEMES_DES_ACTIONS, "thème")),
                ancre="themes",
            ),
            Section("Par commune", (par_commune, *_graphique(bilan, communes, noms, "commune")), ancre="communes"),
            Section("Par année", (annees,), ancre="annees"),
            Section("Ce qui a changé dans le même temps", changes, ancre="indicateurs"),
            Section("Action par action", _actions(bilan, noms), ancre="actions"),
            Section("Lire ce bilan", remarques, ancre="lire"),
        ],
        sous_titre="Bilan de la convention passée",
        situation=resume[0],
        pied=ORIGINE,
    )


def _rapproches(bilan: Bilan, theme: str) -> Suite:
    """Les indicateurs d'un thème, et ce qu'il reste à en dire."""
    nom, table = THEMES_DES_ACTIONS[theme], _indicateurs(bilan, theme)
    connus = (
        (tableau(table, titre=f"{nom} : les indicateurs"), *paragraphe(_sources(bilan, theme), allure="source"))
        if len(table)
        else paragraphes("Aucun indicateur n'est connu ici pour ce thème.")
    )
    return (*titre(nom), *connus, *a_completer(f"{nom} : ce qu'en disent les acteurs, ce qui reste à faire"))


def _actions(bilan: Bilan, noms: dict[str, str]) -> Suite:
    table = bilan.realisations.table
    dite = pd.DataFrame(
        {
            "Action": table["action"],
            "Thème": table["theme"].map(THEMES_DES_ACTIONS),
            "Commune": table["commune"].map(noms),
            "Année": table["annee"],
        }
    )
    for mesure in _mesures_dites(bilan):
        dite[_ENTETES[mesure]] = table[mesure]
    return (tableau(dite, titre="Les réalisations déclarées", decimales=dict.fromkeys(_ENTETES.values(), 0)),)


def modele() -> bytes:
    """Le fichier de réalisations vierge : une réalisation par ligne."""
    return classeur_modele(
        "Réalisations",
        [(c.entete, largeur) for c, largeur in zip(COLONNES.values(), (44, 30, 26, 10, 14, 12, 12), strict=True)],
        [],
        titre="Réalisations de la convention",
        emploi=(
            "Une réalisation par ligne : une action, une année, une commune. Une action qui dure a une ligne par an.",
            f"Thème : {', '.join(THEMES_DES_ACTIONS.values())}.",
            "Commune : son code ou son nom ; « territoire » si l'action vaut partout ; vide si on ne sait pas.",
            "Euros, heures, places : un nombre. Laissez vide ce que vous ne savez pas : vide n'est pas zéro.",
            "N'écrivez le nom de personne : ni agent, ni famille.",
            "Puis : cafdiag bilan CODE --realisations ce-fichier.xlsx --sortie bilan.docx",
        ),
    )
