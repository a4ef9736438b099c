package vmtest

import "fmt"

// NginxConfig returns the configuration of an nginx that stays in the foreground and
// serves the directory root at an address; dir is its own directory. first has
// directives for the beginning, each with its semicolon.
func NginxConfig(dir, listen, root, first string) []byte {
	return fmt.Appendf(nil, `daemon off;
%[4]s
pid %[1]s/pid;
error_log stderr;
events {}
http {
	access_log off;
	sendfile on;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		root "%[3]s";
	}
}
`, dir, listen, root, first)
}
