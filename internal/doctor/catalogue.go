package doctor

// Catalogue lists every check in the order of the report.
func Catalogue() []Check {
	return []Check{
		inForceCheck(), contextsCheck(), pathGoCheck(), distroGoCheck(), copiedGoCheck(), gorootCheck(), leftoversCheck(),
		goenvCheck(), goEnvFileCheck(), gotoolchainCheck(), goflagsCheck(), go111moduleCheck(), gosumdbCheck(), goinsecureCheck(),
		goproxySettingCheck(), gopathCheck(), gobinCheck(), goamd64Check(), endOfLifeCheck(), holesCheck(), builtByCheck(),
		conflictsCheck(), replaceCheck(),

		hookLoadedCheck(), hookOrderCheck(), hookPathCheck(), hookShimsCheck(), hookStaleCheck(), hookEditorCheck(),
	}
}
