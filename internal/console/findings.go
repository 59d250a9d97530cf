package console

import "s3fanout/internal/operator/document"

// mostFindings is how many the overview shows; the page about health has the others.
const mostFindings = 5

// findingsView are findings, the most urgent first, and how many there are besides.
type findingsView struct {
	Findings []document.Finding
	More     int
}

func newFindings(list []document.Finding, most int) findingsView {
	return findingsView{Findings: list[:min(most, len(list))], More: max(len(list)-most, 0)}
}
