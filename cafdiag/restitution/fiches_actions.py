"""Les fiches actions d'une convention : une par enjeu, ou par action que l'usager a écrite ; et le tableau à remplir.

Rien n'est décidé à la place des partenaires : le pilote, la cible et le budget restent à écrire. Les chiffres sont ceux
des mesures jointes au rapport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from openpyxl import Workbook

from cafdiag.indicateurs.actions import COLONNES, Action
from cafdiag.indicateurs.baremes import lire_baremes
from cafdiag.indicateurs.financement import Poste, financer
from cafdiag.restitution.copil import incertitude, source
from cafdiag.restitution.document import Document, Section, Suite, paragraphe, paragraphes, parole, titre
from cafdiag.restitution.echappement import sans_controle
from cafdiag.restitution.formats import INSECABLE, avec_unite, date, ecrire, nombre
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.note_mots import quand
from cafdiag.restitution.rendu_docx import rendre_docx
from cafdiag.restitution.rendu_xlsx import clore, feuille_en_tableau
from cafdiag.restitution.simulation import montant
from cafdiag.restitution.tableaux import tableau

A_ECRIRE = "à compléter"
_LARGEURS = {
    "action": 40,
    "enjeu": 40,
    "pilote": 20,
    "partenaires": 24,
    "indicateur": 26,
    "t0": 34,
    "remarques": 30,
}
# Ce que la Caf apporte à une place de crèche créée.
_PAR_PLACE = ("piaje", "bonus_territoire_places_nouvelles")


class Fiches:
    """Les fiches d'un territoire, à écrire en docx, et le tableau d'actions en xlsx.

    Parameters
    ----------
    note : mapping
        Le contenu de la note et sa part ``copil``.
    mesures : DataFrame
        Celles jointes au rapport.
    actions : sequence of Action
        Celles de l'usager ; vide : une par enjeu.
    """

    def __init__(self, note: Mapping[str, Any], mesures: pd.DataFrame, actions: Sequence[Action] = ()) -> None:
        nombres = {c: pd.to_numeric(mesures[c]) for c in ("annee", "valeur", "bas", "haut")}
        table = mesures.astype(object).where(mesures.notna(), "").assign(**nombres)
        roles = ("territoire", "departement", "region", "france")
        self.lecture = MesuresLues(table[table["role"].isin(roles)])
        self.note, self.debats = note, {d["code"]: d for d in note["copil"]["debats"]}
        self.financements = note["copil"]["financements"]
        self.de_l_usager = bool(actions)
        self.actions = list(actions) or [
            Action(rang, "", enjeu=d["titre"], indicateur=d["code"])
            for rang, d in enumerate(self.debats.values(), 1)
        ]

    # --- Ce que disent les chiffres ---

    def t0(self, code: str) -> str:
        """« 9,6 places pour 100 enfants (fin 2023) » ; ou pourquoi on ne le sait pas."""
        if not code:
            return "aucun indicateur"
        ligne = self.lecture.ligne(code)
        if not ligne:
            return "cet indicateur n'est pas mesuré ici"
        if not self.lecture.connu(code):
            dit = self.lecture.texte(code)
            return f"{dit} : {ligne['motif']}" if ligne["motif"] else dit
        valeur, unite = float(ligne["valeur"]), str(ligne["unite"])
        ecrit = self.lecture.dit(code) if unite == "%" else self.lecture.dit(code) + INSECABLE + unite
        return f"{avec_unite(valeur, unite, signe=True) if code.endswith('_EVOL') else ecrit} ({quand(ligne)})"

    def incertitude(self, code: str) -> str:
        """Ce que l'on sait de la précision de T0 ; vide s'il est inconnu."""
        return incertitude(self.lecture.ligne(code)) if code and self.lecture.connu(code) else ""

    def reperes(self, code: str) -> str:
        """« contre 11,5 dans le département et 23,5 en France » ; vide sans référence."""
        return self.lecture.contre(code).removeprefix("contre ") if code and self.lecture.connu(code) else ""

    def cible(self, action: Action) -> str:
        """La cible de l'usager, dans l'unité de son indicateur ; sinon, à fixer, avec les repères."""
        if action.cible is None:
            reperes = self.reperes(action.indicateur)
            return f"à fixer ensemble{f' (repères : {reperes})' if reperes else ''}"
        ligne = self.lecture.ligne(action.indicateur) if action.indicateur else None
        return (
            avec_unite(action.cible, str(ligne["unite"]), decimales=_decimales(action.cible))
            if ligne
            else nombre(action.cible)
        )

    def caf(self, action: Action) -> list[str]:
        """Ce que la Caf peut apporter : les places écrites × les barèmes, ou la simulation du rapport."""
        if action.places:
            postes = financer([Poste(c, action.places) for c in _PAR_PLACE], lire_baremes())
            return [
                f"{p['poste']} pour {nombre(action.places)} places : {montant(p['bas'], p['haut'])}"
                f" (barème {p['periode']}, publié par : {p['source']})"
                for _, p in postes.iterrows()
            ]
        dits = [
            f"{f['reference']} : {f['places']} places à créer ; investissement, {f['caf']} ; bonus territoire, "
            f"{f['caf_an']} par an"
            for f in self.financements
            if f["code"] == action.indicateur
        ]
        return [f"Pour rejoindre une référence. {d}" for d in dits] or [
            "aucun barème connu ne chiffre cette action : à demander à la Caf"
        ]

    # --- Le docx ---

    def docx(self, identite: Identite) -> bytes:
        """Le tableau de bord de la convention, puis une fiche par action ; mêmes entrées, mêmes octets."""
        if self.actions:
            corps = [self._tableau_de_bord(), *(self._fiche(a) for a in self.actions)]
        else:
            rien = paragraphe(
                "Les chiffres connus ne fondent aucun enjeu ici. Écrivez vos actions dans le tableau joint, puis "
                "relancez avec lui : une fiche par action sera écrite."
            )
            corps = [Section("Aucune fiche", rien)]
        qui = " · ".join(x for x in (identite.caf, identite.date, identite.contact) if x)
        document = Document(
            titre=str(self.note["titre"]),
            sous_titre="Fiches actions de la convention territoriale globale",
            maille=" · ".join(x for x in (self.note["surtitre"], qui) if x),
            avertissements=tuple(self.note["avertissements"]),
            elements=tuple(corps),
        )
        return rendre_docx(document, chapitres_a_la_page=True)

    def _tableau_de_bord(self) -> Section:
        lignes = [
            {
                "action": a.action or a.enjeu,
                "pilote": a.pilote or A_ECRIRE,
                "fin": date(a.fin) or A_ECRIRE,
                "t0": self.t0(a.indicateur),
                "cible": self.cible(a),
            }
            for a in self.actions
        ]
        rendu = tableau(
            pd.DataFrame(lignes),
            titre="Où l'on part, où l'on va",
            colonnes={"action": "Action" if self.de_l_usager else "Enjeu", "pilote": "Pilote", "fin": "Échéance",
                      "t0": "T0", "cible": "Cible"},
        )  # fmt: skip
        suite: Suite = paragraphes(*self.note.get("perspectives", []))
        suite = titre("Ce qui manque, et ce qui vient") + suite if suite else ()
        return Section("Le tableau de bord de la convention", (rendu, *suite))

    def _fiche(self, action: Action) -> Section:
        debat = self.debats.get(action.indicateur)
        enjeu = action.enjeu if action.action and action.enjeu != action.action else ""
        dits = []
        if debat and (not self.de_l_usager or enjeu in ("", debat["titre"])):
            dits = [debat["constat"], debat["question"]]
        financements = [
            (f"Financement{', suite' if rang else ' possible de la Caf'}", dit)
            for rang, dit in enumerate(self.caf(action))
        ]
        calendrier = " – ".join(x for x in (date(action.debut), date(action.fin)) if x)
        lignes = [
            ("Enjeu", enjeu),
            ("Pilote", action.pilote or A_ECRIRE),
            ("Partenaires", action.partenaires or A_ECRIRE),
            ("Calendrier", calendrier or A_ECRIRE),
            (
                "Budget",
                A_ECRIRE if action.budget is None else f"{nombre(action.budget, decimales=0)}{INSECABLE}€",
            ),
            (
                "dont Caf",
                A_ECRIRE if action.caf is None else f"{nombre(action.caf, decimales=0)}{INSECABLE}€",
            ),
            *financements,
            ("Indicateur", self._libelle(action.indicateur)),
            ("T0", self.t0(action.indicateur)),
            ("Incertitude", self.incertitude(action.indicateur)),
            (
                "Source de T0",
                source(self.lecture, action.indicateur) if self.incertitude(action.indicateur) else "",
            ),
            ("Cible", self.cible(action)),
            ("Ce qui contredirait cet enjeu", debat["contredit"] if debat else ""),
            ("Remarques", action.remarques),
        ]
        gardees = [{"quoi": quoi, "dit": dit} for quoi, dit in lignes if dit]
        rendu = tableau(
            pd.DataFrame(gardees), titre="La fiche", colonnes={"quoi": "Rubrique", "dit": "Contenu"}
        )
        contenu = parole("Le contenu de l'action.", "Ce qui sera fait, pour qui, où.")
        return Section(action.action or action.enjeu, (*paragraphes(*dits), rendu, *contenu))

    def _libelle(self, code: str) -> str:
        ligne = self.lecture.ligne(code) if code else None
        return str(ligne["libelle"]) if ligne else code or A_ECRIRE

    # --- Le tableau à remplir ---

    def xlsx(self) -> bytes:
        """``actions-<code>.xlsx`` : une ligne par enjeu, à remplir ; les indicateurs possibles et leur T0."""
        classeur = Workbook(write_only=True)
        lignes = []
        for action in self.actions:
            valeurs = {"action": action.enjeu, "enjeu": action.enjeu, "indicateur": action.indicateur}
            valeurs["t0"] = self.t0(action.indicateur)
            lignes.append([valeurs.get(champ) or None for champ in COLONNES])
        colonnes = [(c.entete, _LARGEURS.get(champ, 14)) for champ, c in COLONNES.items()]
        # En texte : un tableur ferait de « 85 % » un 0,85, et de « 09/2027 » une date à lui.
        textes = [rang for rang, champ in enumerate(COLONNES) if champ in ("debut", "fin", "cible")]
        feuille = feuille_en_tableau(classeur, "Actions", colonnes, lignes, gele="B2", en_texte=textes, a_remplir=True)
        titre = f"{sans_controle(self.note['titre'])} : actions de la convention"
        feuille.oddHeader.left.text = titre.replace("&", "&&")
        consignes = [
            (
                "Action",
                "Ce que l'on fera ; une ligne par action. Effacez les lignes que vous ne retenez pas.",
            ),
            ("Pilote", "Obligatoire : une action sans pilote n'est pas une action."),
            ("Début, Fin", "AAAA, MM/AAAA ou JJ/MM/AAAA."),
            ("Budget, dont Caf", "En euros."),
            (
                "Places de crèche créées",
                "Si l'action en crée : le financement de la Caf se calcule avec elles.",
            ),
            ("Indicateur", "Un code de la feuille « Indicateurs », ou son libellé."),
            ("T0 (rappel)", "Ce que disent les données aujourd'hui ; cette colonne n'est pas relue."),
            ("Cible", "Un nombre, dans l'unité de l'indicateur."),
        ]
        feuille_en_tableau(classeur, "Mode d'emploi", [("Colonne", 26), ("Que mettre", 90)], consignes)
        toutes = self.lecture.mesures
        ici = toutes[toutes["role"].eq("territoire")].drop_duplicates("indicateur", keep="last")
        lus = zip(ici["indicateur"], ici["libelle"], ici["unite"], strict=True)
        indicateurs = [[code, libelle, unite, self.t0(code)] for code, libelle, unite in lus]
        entetes = [("Code", 26), ("Libellé", 60), ("Unité", 28), ("T0", 44)]
        feuille_en_tableau(classeur, "Indicateurs", entetes, indicateurs)
        return clore(classeur, titre)


def _decimales(valeur: float) -> int:
    """Les décimales que l'usager a écrites, deux au plus.

    >>> _decimales(12.0), _decimales(12.5), _decimales(1.25)
    (0, 1, 2)
    """
    return next((n for n in (0, 1) if round(valeur, n) == round(valeur, 2)), 2)


def suivi_en_texte(table: pd.DataFrame) -> str:
    """Où en est chaque action, en texte : T0, T1, cible, état.

    Examples
    --------
    >>> vide = float("nan")
    >>> ligne = {"ligne": 2, "action": "Ouvrir", "pilote": "CCAS", "fin": "2027", "indicateur": "", "libelle": "",
    ...          "unite": "", "valeur_t0": vide, "valeur_t1": vide, "cible": vide,
    ...          "etat": "on ne sait pas", "motif": "aucun indicateur"}
    >>> print(suivi_en_texte(pd.DataFrame([ligne])))
    Ouvrir (CCAS, échéance : 2027)
      on ne sait pas : aucun indicateur
    """
    blocs = []
    for a in table.itertuples():
        qui = ", ".join(x for x in (a.pilote, f"échéance : {date(a.fin)}" if a.fin else "") if x)
        lignes = [f"{a.action} ({qui})"]
        if a.indicateur:
            pas = f"T0 : {_dite(a, 0)} → T1 : {_dite(a, 1)}"
            pour_cent = "%" if a.unite == "%" else ""
            but = (
                "aucune"
                if pd.isna(a.cible)
                else avec_unite(a.cible, pour_cent, decimales=_decimales(a.cible))
            )
            unite = f", en {a.unite}" if a.unite and a.unite != "%" else ""
            lignes += [f"  {a.libelle or a.indicateur}{unite}", f"  {pas} → cible : {but}"]
        lignes.append(f"  {a.etat}{f' : {a.motif}' if a.motif else ''}")
        blocs.append("\n".join(lignes))
    return "\n\n".join(blocs)


def _dite(ligne: Any, rang: int) -> str:
    valeur, annee, statut = (getattr(ligne, f"{c}_t{rang}") for c in ("valeur", "annee", "statut"))
    if pd.isna(valeur):
        return "n.d."
    return f"{'environ ' if statut == 'estime' else ''}{ecrire(valeur, ligne.unite)} ({annee:.0f})"
