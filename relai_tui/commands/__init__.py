"""The program beside the screen: for pipes and scripts. None of it imports Textual."""
