package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

func certificatesCheck() Check {
	return Check{
		ID: "distribution.ca", Group: Distribution, Weight: 9,
		Title:  "CA certificates",
		Why:    "without them every HTTPS connection fails with \"certificate signed by unknown authority\"",
		Source: "SSL_CERT_FILE, SSL_CERT_DIR, and the places where crypto/x509 looks; online, the certificate of the module proxy",
		Run:    runCertificates,
	}
}

// certificateFiles and certificateDirs are where crypto/x509 looks on Linux.
func certificateFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

func runCertificates(ctx context.Context, m *Machine) Result {
	if file := m.Env["SSL_CERT_FILE"]; file != "" {
		if n := m.countCertificates(file); n > 0 {
			return m.judgeAuthority(ctx, ok("%s in %s", ui.Count(n, "certificate"), file))
		}
		r := fail("SSL_CERT_FILE is a file without certificates").at("environment", 0, "SSL_CERT_FILE=%s", file).fixWith("unset SSL_CERT_FILE")
		if _, found := m.systemCertificates(); !found {
			r = r.fixWith("%s", m.install("ca-certificates"))
		}
		return r
	}
	if where, found := m.systemCertificates(); found {
		return m.judgeAuthority(ctx, ok("%s", where))
	}
	return fail("no CA certificates are installed").fixWith("%s", m.install("ca-certificates"))
}

// judgeAuthority reports a server whose authority is none of those known here: a
// company's own proxy, or one that looks into connections.
func (m *Machine) judgeAuthority(ctx context.Context, r Result) Result {
	var unknown x509.UnknownAuthorityError
	if !errors.As(m.reach(ctx), &unknown) {
		return r
	}
	issuer := "an authority without a name"
	if unknown.Cert != nil {
		issuer = unknown.Cert.Issuer.String()
	}
	bad := fail("no authority known here signed the certificate of the module proxy").
		at(m.Redact(m.timeServer()), 0, "signed by %s", issuer)
	bad.Evidence = append(bad.Evidence, Evidence{Value: "known: " + r.Summary})
	dir, update := "/usr/local/share/ca-certificates/", "update-ca-certificates"
	if rel := m.OSRelease(); rel.Is("rhel") || rel.Is("fedora") {
		dir, update = "/etc/pki/ca-trust/source/anchors/", "update-ca-trust"
	}
	return bad.means("Whoever runs the network can give you its certificate as a file; below it is /tmp/ca.crt.").
		fixWith("sudo cp /tmp/ca.crt %s && sudo %s", dir, update)
}

// systemCertificates returns where crypto/x509 finds certificates.
func (m *Machine) systemCertificates() (where string, found bool) {
	for _, file := range certificateFiles() {
		if n := m.countCertificates(file); n > 0 {
			return ui.Count(n, "certificate") + " in " + file, true
		}
	}
	dirs := []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
	if list := m.Env["SSL_CERT_DIR"]; list != "" {
		dirs = strings.Split(list, ":")
	}
	for _, dir := range dirs {
		for _, entry := range m.ReadDir(dir) {
			if m.countCertificates(dir+"/"+entry.Name()) > 0 {
				return "in " + dir, true
			}
		}
	}
	return "", false
}

func (m *Machine) countCertificates(file string) int {
	return strings.Count(m.Text(file), "-----BEGIN CERTIFICATE-----")
}
