//! What the statements at the top of a file import and export.

use oxc::{
    ast::ast::{
        BindingIdentifier, Declaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportNamedDeclaration,
        ImportDeclaration, ImportDeclarationSpecifier, ModuleExportName, Program, Statement,
    },
    span::GetSpan,
};

use super::Taker;
use crate::{
    bundle::{
        edit::{Edit, Part},
        module::{Export, Import, Imported, Symbol, Target},
    },
    checks,
};

impl<'a> Taker<'_, '_, 'a> {
    pub(super) fn read_statements(&mut self, program: &Program<'a>) {
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) => self.read_import(import),
                Statement::ExportAllDeclaration(export) => {
                    let request = self.request(&export.source.value, export.source.span);
                    match &export.exported {
                        Some(name) => self.exports.push(Export {
                            name: name.name().to_string(),
                            target: Target::From {
                                request,
                                name: Imported::Namespace,
                            },
                        }),
                        None => self.stars.push(request),
                    }
                    self.remove_statement(export.span);
                }
                Statement::ExportFromDeclaration(export) => {
                    let request = self.request(&export.source.value, export.source.span);
                    for specifier in &export.specifiers {
                        self.exports.push(Export {
                            name: specifier.exported.name().to_string(),
                            target: Target::From {
                                request,
                                name: Imported::Name(specifier.local.name().to_string()),
                            },
                        });
                    }
                    self.remove_statement(export.span);
                }
                Statement::ExportNamedDeclaration(export) => {
                    self.read_named_exports(export);
                    self.remove_statement(export.span);
                }
                Statement::ExportDeclaration(export) => {
                    self.read_exported_declaration(&export.declaration);
                    self.edits.push(Edit::remove(
                        export.span.start as usize,
                        export.declaration.span().start as usize,
                    ));
                }
                Statement::ExportDefaultDeclaration(export) => self.read_default(export),
                _ => {}
            }
        }
    }

    fn read_import(&mut self, import: &ImportDeclaration<'a>) {
        self.remove_statement(import.span);
        let sdk = checks::is_sdk(&import.source.value);
        let request = if sdk {
            0
        } else {
            self.request(&import.source.value, import.source.span)
        };
        for specifier in import.specifiers.iter().flatten() {
            let (local, name) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => {
                    (&named.local, Imported::Name(named.imported.name().to_string()))
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(default) => {
                    (&default.local, Imported::Name("default".to_owned()))
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => (&all.local, Imported::Namespace),
            };
            let Some(id) = local.symbol_id.get() else { continue };
            if sdk {
                let name = match name {
                    Imported::Name(name) => name,
                    Imported::Namespace => local.name.to_string(),
                };
                self.sdk.insert(id, name);
            } else {
                let symbol = self.symbol(id);
                self.imports.push(Import { symbol, request, name });
            }
        }
    }

    fn read_named_exports(&mut self, export: &ExportNamedDeclaration<'a>) {
        for specifier in &export.specifiers {
            let ModuleExportName::IdentifierReference(local) = &specifier.local else {
                continue;
            };
            let symbol = self
                .resolve(local)
                .filter(|id| !self.sdk.contains_key(id))
                .map(|id| self.symbol(id));
            // A name that is bound to nothing was a type.
            if let Some(symbol) = symbol {
                self.exports.push(Export {
                    name: specifier.exported.name().to_string(),
                    target: Target::Local(symbol),
                });
            }
        }
    }

    fn read_exported_declaration(&mut self, declaration: &Declaration<'a>) {
        let mut names: Vec<&BindingIdentifier<'a>> = Vec::new();
        match declaration {
            Declaration::VariableDeclaration(variables) => {
                for variable in &variables.declarations {
                    names.extend(variable.id.get_binding_identifiers());
                }
            }
            Declaration::FunctionDeclaration(function) => names.extend(function.id.as_ref()),
            Declaration::ClassDeclaration(class) => names.extend(class.id.as_ref()),
            _ => {}
        }
        for id in names {
            if let Some(symbol) = id.symbol_id.get() {
                let target = Target::Local(self.symbol(symbol));
                self.exports.push(Export {
                    name: id.name.to_string(),
                    target,
                });
            }
        }
    }

    fn read_default(&mut self, export: &ExportDefaultDeclaration<'a>) {
        let start = export.span.start as usize;
        let inner = export.declaration.span().start as usize;
        let id = match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.id.as_ref(),
            ExportDefaultDeclarationKind::ClassDeclaration(class) => class.id.as_ref(),
            _ => None,
        };
        let symbol = if let Some(id) = id.and_then(|id| id.symbol_id.get()) {
            self.edits.push(Edit::remove(start, inner));
            self.symbol(id)
        } else {
            let symbol = self.symbols.len();
            self.symbols.push(Symbol {
                name: format!("{}_default", self.file_stem),
                uses: Vec::new(),
                used_whole: false,
            });
            let name_at = match &export.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    Some(function.params.span.start as usize)
                }
                ExportDefaultDeclarationKind::ClassDeclaration(_) => Some(inner + "class".len()),
                _ => None,
            };
            match name_at {
                Some(at) => {
                    self.edits.push(Edit::remove(start, inner));
                    let parts = vec![Part::Text(" ".to_owned()), Part::Name(symbol)];
                    self.edits.push(Edit {
                        start: at,
                        end: at,
                        parts,
                    });
                }
                None => self.edits.push(Edit {
                    start,
                    end: inner,
                    parts: vec![
                        Part::Text("const ".to_owned()),
                        Part::Name(symbol),
                        Part::Text(" = ".to_owned()),
                    ],
                }),
            }
            symbol
        };
        self.exports.push(Export {
            name: "default".to_owned(),
            target: Target::Local(symbol),
        });
    }
}
