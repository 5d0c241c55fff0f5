package archive_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog/archive"
)

// Whoever gets a code finds what it means and what to do, and what is described there is
// still found.
func TestEachCodeHasItsSection(t *testing.T) {
	text, err := os.ReadFile("../docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, findings, _ := strings.Cut(string(text), "\n## What Verify finds\n")
	findings, _, _ = strings.Cut(findings, "\n## ")
	var described []archive.Code
	for _, section := range strings.Split(findings, "\n### ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		code := archive.Code(title)
		described = append(described, code)
		severity := archive.Finding{Code: code}.Severity().String()
		if !strings.HasPrefix(strings.ToLower(body), "\n"+severity+". ") || !strings.Contains(body, "\n1. ") {
			t.Errorf("%s does not say that it is a %s, and what to do", title, severity)
		}
	}
	if !slices.Equal(described, archive.Codes()) {
		t.Errorf("described are %q, found are %q", described, archive.Codes())
	}
}

// Codes has all that are declared.
func TestCodesAreAll(t *testing.T) {
	source, err := os.ReadFile("finding.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []archive.Code
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +Code += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		declared = append(declared, archive.Code(m[1]))
	}
	if len(declared) == 0 || !slices.Equal(declared, archive.Codes()) {
		t.Errorf("declared are %q, Codes has %q", declared, archive.Codes())
	}
}
