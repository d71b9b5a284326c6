"""Le questionnaire aux familles : ce qu'on remet pour le remplir, ce qu'on en dit une fois dépouillé."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pandas as pd

from cafdiag.donnees.questionnaire import COLONNES, CONSIGNE, LIBRE, QUESTIONS, SEPARATEUR
from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.indicateurs import THEMES
from cafdiag.indicateurs.questionnaire import SANS, Depouillement
from cafdiag.magasin import dossier, ecrire_ensemble, lire_table
from cafdiag.restitution.archives import place_libre
from cafdiag.restitution.chapitres import cites
from cafdiag.restitution.document import Document, Section, Suite, Table, liste, paragraphes, titre
from cafdiag.restitution.formats import cle_de_tri, enumeration, majuscule, nombre
from cafdiag.restitution.modeles import classeur_modele
from cafdiag.restitution.piece import piece as en_piece
from cafdiag.restitution.tableaux import tableau
from cafdiag.territoires import Territoire

TITRE = "Votre avis sur les services aux familles"
ORIGINE = "Document produit à partir des réponses des familles ; elles ne sont publiées que réunies."
AUX_VOLONTAIRES = (
    "Ont répondu les familles qui l'ont voulu : l'intervalle à 95 % dit l'incertitude d'un tirage au hasard de même "
    "taille, pas celle d'un questionnaire diffusé. Une part redressée rapproche les répondants de la population, elle "
    "ne remplace pas ceux qui n'ont pas répondu."
)


def page(lieu: Territoire) -> str:
    """Le questionnaire en une page autonome, sans réseau : les réponses s'enregistrent dans un fichier."""
    modele = dossier("templates") / "questionnaire" / "page.html.j2"
    try:
        source = modele.read_text(encoding="utf-8")
        rendu = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)
        return rendu.render(
            titre=TITRE,
            territoire=lieu.nom,
            consigne=CONSIGNE,
            communes=_communes(lieu),
            questions=QUESTIONS,
            libre=LIBRE,
            cles=list(COLONNES),
            colonnes=[c.entete for c in COLONNES.values()],
            fichier=f"reponses-{lieu.suffixe}.csv",
        )
    except (OSError, UnicodeDecodeError, jinja2.TemplateError) as cause:
        raise ProductionImpossible(
            f"le gabarit {modele.name} est absent ou abîmé ({en_clair(cause)})",
            attendu="templates/questionnaire/page.html.j2, tel que livré",
            conseil="retéléchargez le projet",
        ) from cause


def _communes(lieu: Territoire) -> list[dict[str, str]]:
    table = lire_table("communes", colonnes=["code", "nom"])
    siennes = table[table["code"].isin(lieu.communes)].to_dict("records")
    return sorted(siennes, key=lambda c: (cle_de_tri(c["nom"]), c["code"]))


def classeur(lieu: Territoire | None = None) -> bytes:
    """Le questionnaire en classeur : une réponse par ligne ; les communes d'un territoire, s'il est donné."""
    communes = [f"Commune : son code ou son nom, parmi {', '.join(c['nom'] for c in _communes(lieu))}."] if lieu else []
    return classeur_modele(
        "Réponses",
        [(c.entete, 12 if nom in ("numero", "age") else 34) for nom, c in COLONNES.items()],
        [],
        titre=f"{TITRE}{f' : {lieu.nom}' if lieu else ''}",
        emploi=(
            CONSIGNE,
            "Une réponse par ligne. Laissez vide ce à quoi la famille n'a pas répondu ; le numéro peut rester vide.",
            *communes,
            "Âge : en années, de 0 à 17.",
            *(
                f"{q.texte} {' / '.join(q.reponses)}"
                + (f" (plusieurs réponses possibles, séparées par « {SEPARATEUR} »)" if q.plusieurs else "")
                for q in QUESTIONS
            ),
            "Puis : cafdiag questionnaire depouiller CODE --reponses ce-fichier.xlsx --sortie familles.docx",
        ),
    )


def preparer(lieu: Territoire, sortie: str | Path) -> list[Path]:
    """Écrit la page et le classeur, ensemble ; un classeur commencé n'est jamais écrasé."""
    ici = Path(sortie)
    vierge = place_libre(ici / f"questionnaire-{lieu.suffixe}.xlsx")
    return ecrire_ensemble({ici / f"questionnaire-{lieu.suffixe}.html": page(lieu), vierge: classeur(lieu)})


def _part(ligne: pd.Series) -> str:
    if pd.isna(ligne["part"]):
        return "tu" if pd.isna(ligne["effectif"]) else "—"
    entre = f"{nombre(ligne['bas'], decimales=0)} à {nombre(ligne['haut'], decimales=0)}"
    return f"{nombre(ligne['part'], decimales=0)} ({entre})"


def _tableau(d: Depouillement, cle: str, quoi: str) -> pd.DataFrame:
    lignes = d.tableaux[cle]
    montrees = lignes[~(lignes["reponse"].eq(SANS) & lignes["effectif"].eq(0))]
    return pd.DataFrame(
        [
            {quoi: li["reponse"], "Réponses": "tu" if pd.isna(li["effectif"]) else nombre(li["effectif"], decimales=0)}
            | ({} if cle in ("commune", "age") else {"Part redressée, %": _part(li)})
            for _, li in montrees.iterrows()
        ]
    )


def _croisement(d: Depouillement, cle: str) -> pd.DataFrame | None:
    table = d.croisements.get(cle)
    return None if table is None else table.astype(str).rename_axis("Réponse").reset_index()


def _methode(d: Depouillement) -> list[str]:
    sur = f"Réponses redressées sur {enumeration(list(d.redresse))}" if d.redresse else "Réponses non redressées"
    return [
        f"{sur} ; {nombre(d.nombre, decimales=0)} réponses en valent {nombre(d.utile, decimales=0)} de même poids.",
        f"« tu » : moins de {d.seuil} réponses, ou ce qui permettrait de les retrouver par différence. Un croisement "
        f"avec l'âge n'est montré que si toutes ses cases en comptent {d.seuil}, ou aucune.",
        "Chaque réponse parle d'un enfant, tiré par son anniversaire. Sources des populations : Insee, recensement.",
        AUX_VOLONTAIRES,
        *(f"{majuscule(r)}." for r in d.remarques),
    ]


def _theme(cle: str) -> str:
    return THEMES.get(cle, "Autres")


def parole(d: Depouillement) -> Suite:
    """La parole des acteurs, thème par thème, prête à entrer dans le rapport."""
    dites = tuple(e for theme, mots in d.mots.items() for e in (*titre(_theme(theme)), *liste(cites(mots))))
    return dites or paragraphes("Aucun mot libre.")


def piece(d: Depouillement) -> Document:
    """Le dépouillement, prêt à être remis : il remplit la parole des acteurs."""
    qui = (
        tableau(_tableau(d, "commune", "Commune"), titre="Réponses par commune"),
        tableau(_tableau(d, "age", "Âge"), titre="Réponses par âge de l'enfant"),
    )
    reponses: list[Table] = []
    for question in QUESTIONS:
        precision = "plusieurs réponses possibles" if question.plusieurs else ""
        reponses.append(tableau(_tableau(d, question.cle, "Réponse"), titre=question.texte, precision=precision))
        croise = _croisement(d, question.cle)
        if croise is not None:
            selon = f"{question.texte} Selon l'âge de l'enfant"
            reponses.append(tableau(croise, titre=selon, precision="réponses"))
    return en_piece(
        d.territoire,
        [
            Section("Ce que disent les familles", tuple(reponses), ancre="reponses"),
            Section("La parole des familles, par thème", parole(d), ancre="parole"),
            Section("Qui a répondu", qui, ancre="qui"),
            Section("Lire ces chiffres", liste(_methode(d)), ancre="lire"),
        ],
        sous_titre="La parole des familles : dépouillement du questionnaire",
        situation=f"{nombre(d.nombre, decimales=0)} réponses, chacune sur un enfant.",
        pied=ORIGINE,
    )
