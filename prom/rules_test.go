package prom

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog/health"
)

const rulesFile = "../docs/prometheus-rules.yml"

// TestAlertRules runs promtool, which tests the rules by the file in testdata.
func TestAlertRules(t *testing.T) {
	if testing.Short() {
		t.Skip("it evaluates days of minutes")
	}
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool: on Debian it is in the package prometheus")
	}
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", "testdata/prometheus-rules_test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}

// TestAlertRulesKnowMetricsAndCodes: what the rules name exists, and each finding has
// exactly one rule: its own, or that of all others.
func TestAlertRulesKnowMetricsAndCodes(t *testing.T) {
	b, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^ *#.*\n`).ReplaceAllString(string(b), "")
	metrics := described()
	for _, m := range regexp.MustCompile(`\brotatelog_\w+`).FindAllString(strings.ReplaceAll(rules, "stream:rotatelog_upload_success:ratio_1h", ""), -1) {
		if !slices.Contains(metrics, m) {
			t.Errorf("there is no metric %s", m)
		}
	}
	var own []string
	for _, m := range regexp.MustCompile(`code: (\w+)}`).FindAllStringSubmatch(rules, -1) {
		own = append(own, m[1])
		if !slices.Contains(health.Codes(), health.Code(m[1])) {
			t.Errorf("there is no finding %s", m[1])
		}
	}
	slices.Sort(own)
	own = slices.Compact(own)
	others := regexp.MustCompile(`code!~"([^"]*)"`).FindAllStringSubmatch(rules, -1)
	if len(own) < 5 || len(others) != 3 {
		t.Fatalf("rules of their own have %q; %d are about the others", own, len(others))
	}
	for _, m := range others {
		left := strings.Split(m[1], "|")
		slices.Sort(left)
		if !slices.Equal(left, own) {
			t.Errorf("rules of their own have %q, left out of the others are %q", own, left)
		}
	}
}
