package prom

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// described returns the names of all metrics.
func described() []string {
	ch := make(chan *prometheus.Desc, 100)
	New().Describe(ch)
	close(ch)
	var names []string
	for d := range ch {
		names = append(names, nameOf(d))
	}
	slices.Sort(names)
	return names
}

// TestPackageListsItsMetrics: the documentation of the package has each metric, and no other.
func TestPackageListsItsMetrics(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^//\t(rotatelog_\w+)`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if names := described(); !slices.Equal(listed, names) {
		t.Errorf("listed are %q, collected are %q", listed, names)
	}
}
