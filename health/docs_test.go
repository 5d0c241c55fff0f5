package health

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEachCodeHasItsSection: whoever gets a code finds what it means and what to type, and
// what is described there is still found.
func TestEachCodeHasItsSection(t *testing.T) {
	text, err := os.ReadFile("../docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, findings, _ := strings.Cut(string(text), "\n## What status finds\n")
	findings, _, _ = strings.Cut(findings, "\n## ")
	var described []Code
	for _, section := range strings.Split(findings, "\n### ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		described = append(described, Code(title))
		if !strings.Contains(body, "\n1. ") {
			t.Errorf("%s does not say what to do", title)
		}
	}
	if !slices.Equal(described, Codes()) {
		t.Errorf("described are %q, found are %q", described, Codes())
	}
}
