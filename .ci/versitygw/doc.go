// Package versitygw is empty. Its module says which versitygw .ci/servers
// builds, so that the library does not depend on it.
package versitygw
