package rotatelog_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestPackagesLinkNoMoreThanTheyNeed: a program that imports only the root links no SDK,
// and none but the command links what parses its flags.
func TestPackagesLinkNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	const sdk, smithy = "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"
	root := []string{"github.com/cespare/xxhash/v2", "github.com/go-json-experiment/json", "github.com/klauspost/compress"}
	prometheus := []string{"github.com/prometheus/client_golang", // and what that links:
		"github.com/beorn7/perks", "github.com/munnerz/goautoneg", "github.com/prometheus/client_model", "github.com/prometheus/common",
		"github.com/prometheus/procfs", "golang.org/x/sys", "google.golang.org/protobuf"}
	for pkg, want := range map[string][]string{
		".":           root,
		"./archive":   root,
		"./health":    root,
		"./alert":     root,
		"./dashboard": root,
		"./dirstore":  root,
		"./clocktest": nil,
		"./storetest": root,
		"./s3store":   append(slices.Clip(root), sdk, smithy),
		"./prom":      append(slices.Clip(root), prometheus...),
		"./cmd/...":   append(slices.Concat(root, prometheus), sdk, smithy, "github.com/alecthomas/kong", "golang.org/x/term"),
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", pkg).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pkg, err)
		}
		var linked []string
		for module := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(module, "github.com/aws/aws-sdk-go-v2/") { // the SDK is many modules
				module = sdk
			}
			linked = append(linked, module)
		}
		slices.Sort(linked)
		slices.Sort(want)
		if linked = slices.Compact(linked); !slices.Equal(linked, want) {
			t.Errorf("%s links %q, want %q", pkg, linked, want)
		}
	}
}

// Only the command parses flags with kong, and only package prom makes metrics.
func TestOnlyOnePackageImportsEach(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{.Imports}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for module, only := range map[string]string{
		"github.com/alecthomas/kong":          "example.com/rotatelog/cmd/",
		"github.com/prometheus/client_golang": "example.com/rotatelog/prom ",
	} {
		found := 0
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, module) {
				continue
			}
			if found++; !strings.HasPrefix(line, only) {
				t.Errorf("%s is imported by %s", module, line)
			}
		}
		if found == 0 {
			t.Errorf("no package imports %s", module)
		}
	}
}
